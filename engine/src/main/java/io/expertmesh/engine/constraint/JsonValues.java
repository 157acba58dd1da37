package io.expertmesh.engine.constraint;

import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Values that stand in a schema: compared as JSON Schema compares them, and written out. */
final class JsonValues {
  private JsonValues() {}

  /** Whether two values are the same; 1 and 1.0 are. */
  static boolean same(JsonNode a, JsonNode b) {
    if (a.isNumber() && b.isNumber()) {
      return a.decimalValue().compareTo(b.decimalValue()) == 0;
    }
    if (a.getNodeType() != b.getNodeType() || a.size() != b.size()) {
      return false;
    }
    if (a.isArray()) {
      for (int i = 0; i < a.size(); i++) {
        if (!same(a.get(i), b.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (a.isObject()) {
      for (Map.Entry<String, JsonNode> property : a.properties()) {
        if (!b.has(property.getKey()) || !same(property.getValue(), b.get(property.getKey()))) {
          return false;
        }
      }
      return true;
    }
    return a.equals(b);
  }

  /** The value without white space, its strings in canonical writing ({@link JsonText}). */
  static String write(JsonNode value) {
    StringBuilder out = new StringBuilder();
    write(value, out);
    return out.toString();
  }

  private static void write(JsonNode value, StringBuilder out) {
    if (value.isObject()) {
      char separator = '{';
      for (Map.Entry<String, JsonNode> property : value.properties()) {
        out.append(separator).append(JsonText.quoted(property.getKey())).append(':');
        write(property.getValue(), out);
        separator = ',';
      }
      out.append(value.isEmpty() ? "{}" : "}");
    } else if (value.isArray()) {
      char separator = '[';
      for (JsonNode item : value.values()) {
        out.append(separator);
        write(item, out);
        separator = ',';
      }
      out.append(value.isEmpty() ? "[]" : "]");
    } else {
      out.append(value.isString() ? JsonText.quoted(value.stringValue()) : value.toString());
    }
  }
}
