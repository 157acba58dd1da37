package io.expertmesh.engine.toolcall;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/** Reads calls that are JSON. Arguments stay as the model wrote them: no number changes its digits. */
final class CallJson {
  private final String json;
  private final JsonParser parser;

  private CallJson(String json) {
    this.json = json;
    this.parser = JsonMapper.shared().createParser(json);
  }

  /** The call that {@code json} is; empty if it is none. */
  static List<AnswerPart> one(String json, Set<String> functions) {
    return read(json, functions, false);
  }

  /** The calls in the array that {@code json} is; empty if it is no array of calls only. */
  static List<AnswerPart> several(String json, Set<String> functions) {
    return read(json, functions, true);
  }

  private static List<AnswerPart> read(String json, Set<String> functions, boolean array) {
    try {
      CallJson reader = new CallJson(json);
      try (JsonParser parser = reader.parser) {
        List<AnswerPart> calls = new ArrayList<>();
        if (array && parser.nextToken() != JsonToken.START_ARRAY) {
          return List.of();
        }
        while (parser.nextToken() == JsonToken.START_OBJECT) {
          AnswerPart.Call call = reader.call(functions);
          if (call == null) {
            return List.of();
          }
          calls.add(call);
          if (!array) {
            break;
          }
        }
        boolean closed = !array || parser.currentToken() == JsonToken.END_ARRAY;
        return closed && parser.nextToken() == null ? calls : List.of();
      }
    } catch (JacksonException notJson) {
      return List.of();
    }
  }

  /** The object at whose beginning the parser is; null if it is no call. */
  private AnswerPart.@Nullable Call call(Set<String> functions) {
    String name = null;
    String arguments = null;
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String field = parser.currentName();
      JsonToken value = parser.nextToken();
      if (field.equals("name") && value == JsonToken.VALUE_STRING) {
        name = parser.getString();
      } else if (field.equals("arguments") && value == JsonToken.VALUE_STRING) {
        arguments = parser.getString();
      } else if (field.equals("arguments")) {
        int begin = (int) parser.currentTokenLocation().getCharOffset();
        parser.skipChildren();
        arguments = json.substring(begin, (int) parser.currentLocation().getCharOffset());
      } else {
        parser.skipChildren();
      }
    }
    return name == null || arguments == null ? null : call(name, arguments, functions);
  }

  /** A call if {@code name} is one of {@code functions} and {@code arguments} is a JSON object, otherwise null. */
  static AnswerPart.@Nullable Call call(String name, String arguments, Set<String> functions) {
    try (JsonParser parser = JsonMapper.shared().createParser(arguments)) {
      if (!functions.contains(name) || parser.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      parser.skipChildren();
      return parser.nextToken() == null ? new AnswerPart.Call(name, arguments) : null;
    } catch (JacksonException notJson) {
      return null;
    }
  }
}
