package io.expertmesh.model.tokenizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Messages and tools as the variables of a chat template, with the fields that transformers'
 * {@code apply_chat_template} gives them. Templates differ in how they want calls, see {@link #WAYS}.
 *
 * @param parsedArguments whether arguments are objects (Qwen, Llama) or text (DeepSeek)
 * @param noContent what stands for the content of a message that only calls
 */
record ChatVariables(boolean parsedArguments, @Nullable String noContent) {
  /** Every way in which templates want calls, the usual one first. */
  static final List<ChatVariables> WAYS = List.of(new ChatVariables(true, null), new ChatVariables(true, ""),
      new ChatVariables(false, null), new ChatVariables(false, ""));

  List<Map<String, @Nullable Object>> messages(List<ChatMessage> messages) {
    List<Map<String, @Nullable Object>> variables = new ArrayList<>(messages.size());
    messages.forEach(message -> variables.add(message(message)));
    return variables;
  }

  private Map<String, @Nullable Object> message(ChatMessage message) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("role", message.role());
    String content = message.content();
    boolean onlyCalls = !message.toolCalls().isEmpty() && (content == null || content.isEmpty());
    fields.put("content", onlyCalls ? noContent : content);
    if (message.name() != null) {
      fields.put("name", message.name());
    }
    if (!message.toolCalls().isEmpty()) {
      List<Object> calls = new ArrayList<>();
      message.toolCalls().forEach(call -> calls.add(call(call)));
      fields.put("tool_calls", calls);
    }
    if (message.toolCallId() != null) {
      fields.put("tool_call_id", message.toolCallId());
    }
    return fields;
  }

  private Map<String, Object> call(ToolCall call) {
    Map<String, @Nullable Object> function = new LinkedHashMap<>();
    function.put("name", call.name());
    function.put("arguments", parsedArguments ? value(Json.MAPPER.readTree(call.arguments())) : call.arguments());
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("id", call.id());
    fields.put("type", "function");
    fields.put("function", function);
    return fields;
  }

  /** JSON as a template sees it; numbers that are no {@code long} become {@code double}. */
  static @Nullable Object value(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        node.properties().forEach(field -> fields.put(field.getKey(), value(field.getValue())));
        yield fields;
      }
      case ARRAY -> {
        List<@Nullable Object> items = new ArrayList<>(node.size());
        node.forEach(item -> items.add(value(item)));
        yield items;
      }
      case STRING -> node.stringValue();
      case BOOLEAN -> node.booleanValue();
      case NUMBER ->
        node.isIntegralNumber() && node.canConvertToLong() ? (Object) node.longValue() : node.doubleValue();
      default -> null;
    };
  }
}
