package io.expertmesh.gateway.openai;

import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.model.tokenizer.ChatMessage;
import io.expertmesh.model.tokenizer.ToolCall;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The {@code messages} of a chat. */
final class ChatMessages {
  private static final int MAX_CALLS = 128;

  private ChatMessages() {}

  /** At least one message. {@code developer} is OpenAI's newer word for {@code system}, which templates know. */
  static List<ChatMessage> read(JsonFields fields) {
    ArrayNode array = fields.array("messages");
    if (array == null || array.isEmpty()) {
      throw ApiException.invalid(fields.at("messages"), "'messages' must have at least one message.");
    }
    List<ChatMessage> messages = new ArrayList<>();
    Map<String, ToolCall> called = new HashMap<>();
    for (JsonNode element : array) {
      ChatMessage message = message(fields.element("messages", element, messages.size()), called);
      message.toolCalls().forEach(call -> called.put(call.id(), call));
      messages.add(message);
    }
    return messages;
  }

  /** @param called by earlier messages, by id */
  private static ChatMessage message(JsonFields fields, Map<String, ToolCall> called) {
    String role = role(fields);
    List<ToolCall> calls = toolCalls(fields, role);
    String content = calls.isEmpty() || fields.any("content") != null ? content(fields) : null;
    String name = fields.string("name");
    ToolCall answered = answered(fields, role, called);
    fields.refuse("function_call", "it is the older form of tool_calls; use these");
    fields.refuse("audio", "only text is read");
    fields.refuse("refusal", "send it as content");
    fields.harmless("annotations");
    fields.end();
    return answered == null
        ? new ChatMessage(role, content, name, calls, null)
        : new ChatMessage(role, content, name == null ? answered.name() : name, calls, answered.id());
  }

  private static String role(JsonFields fields) {
    String role = fields.string("role");
    return switch (role) {
      case "system", "user", "assistant", "tool" -> role;
      case "developer" -> "system";
      case null -> throw ApiException.invalid(fields.at("role"), "'%s' is missing.".formatted(fields.at("role")));
      case "function" -> throw new ApiException(ApiError.badRequest(fields.at("role"), "unsupported_parameter",
          "Messages with the role 'function' are the older form of those with the role 'tool'; use these."));
      default -> throw ApiException.invalid(fields.at("role"),
          "'%s' is '%s'; it must be system, developer, user, assistant or tool.".formatted(fields.at("role"), role));
    };
  }

  private static List<ToolCall> toolCalls(JsonFields fields, String role) {
    ArrayNode array = fields.array("tool_calls");
    if (array == null || array.isEmpty()) {
      return List.of();
    }
    String at = fields.at("tool_calls");
    if (!role.equals("assistant")) {
      throw ApiException.invalid(at, "'%s' is only for messages with the role assistant.".formatted(at));
    }
    if (array.size() > MAX_CALLS) {
      throw ApiException.invalid(at, "'%s' has %d calls; at most %d are taken.".formatted(at, array.size(),
          MAX_CALLS));
    }
    List<ToolCall> calls = new ArrayList<>();
    for (JsonNode element : array) {
      calls.add(toolCall(fields.element("tool_calls", element, calls.size())));
    }
    return calls;
  }

  private static ToolCall toolCall(JsonFields call) {
    String type = call.string("type");
    JsonFields function = type == null || type.equals("function") ? call.object("function") : null;
    if (function == null) {
      throw ApiException.invalid(call.at("function"),
          "'%s' is missing; only calls of functions are known.".formatted(call.at("function")));
    }
    String id = required(call, "id");
    call.harmless("index");
    call.end();
    String name = required(function, "name");
    String arguments = function.string("arguments");
    function.end();
    String json = arguments == null || arguments.isBlank() ? "{}" : arguments;
    if (!isObject(json)) {
      throw ApiException.invalid(function.at("arguments"),
          "'%s' must be a JSON object as a string.".formatted(function.at("arguments")));
    }
    return new ToolCall(id, name, json);
  }

  private static String required(JsonFields fields, String name) {
    String value = fields.string(name);
    if (value == null || value.isEmpty()) {
      throw ApiException.invalid(fields.at(name), "'%s' is missing.".formatted(fields.at(name)));
    }
    return value;
  }

  private static boolean isObject(String json) {
    try {
      return JsonMapper.shared().readTree(json) instanceof ObjectNode;
    } catch (JacksonException notJson) {
      return false;
    }
  }

  /** The call that a message has the result of; null for other messages. */
  private static @Nullable ToolCall answered(JsonFields fields, String role, Map<String, ToolCall> called) {
    if (!role.equals("tool")) {
      fields.refuse("tool_call_id", "it is only for messages with the role tool");
      return null;
    }
    String id = required(fields, "tool_call_id");
    ToolCall call = called.get(id);
    if (call == null) {
      throw ApiException.invalid(fields.at("tool_call_id"),
          "'%s' is '%s', but no earlier assistant message has a call with this id in its 'tool_calls'.".formatted(
              fields.at("tool_call_id"), id));
    }
    return call;
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
