package io.expertmesh.gateway.openai;

import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.model.tokenizer.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/** The {@code messages} of a chat. */
final class ChatMessages {
  private ChatMessages() {}

  /** At least one message. {@code developer} is OpenAI's newer word for {@code system}, which templates know. */
  static List<ChatMessage> read(JsonFields fields) {
    ArrayNode array = fields.array("messages");
    if (array == null || array.isEmpty()) {
      throw ApiException.invalid(fields.at("messages"), "'messages' must have at least one message.");
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode element : array) {
      messages.add(message(fields.element("messages", element, messages.size())));
    }
    return messages;
  }

  private static ChatMessage message(JsonFields fields) {
    String role = role(fields);
    String content = content(fields);
    String name = fields.string("name");
    fields.refuse("tool_calls", "this server does not call tools");
    fields.refuse("tool_call_id", "this server does not call tools");
    fields.refuse("function_call", "this server does not call tools");
    fields.refuse("audio", "only text is read");
    fields.refuse("refusal", "send it as content");
    fields.harmless("annotations");
    fields.end();
    return new ChatMessage(role, content, name);
  }

  private static String role(JsonFields fields) {
    String role = fields.string("role");
    return switch (role) {
      case "system", "user", "assistant" -> role;
      case "developer" -> "system";
      case null -> throw ApiException.invalid(fields.at("role"), "'%s' is missing.".formatted(fields.at("role")));
      case "tool", "function" -> throw new ApiException(ApiError.badRequest(fields.at("role"), "unsupported_parameter",
          "Messages with the role '%s' are not supported: this server does not call tools.".formatted(role)));
      default -> throw ApiException.invalid(fields.at("role"),
          "'%s' is '%s'; it must be system, developer, user or assistant.".formatted(fields.at("role"), role));
    };
  }

  private static String content(JsonFields fields) {
    JsonNode content = fields.any("content");
    if (content == null) {
      throw ApiException.invalid(fields.at("content"), "'%s' is missing.".formatted(fields.at("content")));
    }
    if (content.isString()) {
      return content.stringValue();
    }
    if (content instanceof ArrayNode parts) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < parts.size(); i++) {
        text.append(text(fields.element("content", parts.get(i), i)));
      }
      return text.toString();
    }
    throw JsonFields.wrongType(fields.at("content"), "a string or an array of text parts", content);
  }

  private static String text(JsonFields part) {
    @Nullable
    String type = part.string("type");
    if (!"text".equals(type)) {
      throw new ApiException(ApiError.badRequest(part.at("type"), "unsupported_parameter",
          "Content of type '%s' is not supported; only text is.".formatted(type)));
    }
    String text = part.string("text");
    part.end();
    if (text == null) {
      throw ApiException.invalid(part.at("text"), "'%s' is missing.".formatted(part.at("text")));
    }
    return text;
  }
}
