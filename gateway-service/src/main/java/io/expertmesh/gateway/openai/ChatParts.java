package io.expertmesh.gateway.openai;

import io.expertmesh.engine.toolcall.AnswerPart;
import io.expertmesh.engine.toolcall.ToolCallReader;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** One answer of a chat, divided into content and calls. Not thread-safe. */
final class ChatParts {
  private final @Nullable ToolUse tools;
  private final @Nullable ToolCallReader reader;
  private int calls;

  /** @param tools null if the chat calls nothing and all text is content */
  ChatParts(@Nullable ToolUse tools) {
    this.tools = tools;
    this.reader = tools == null ? null : tools.reader();
  }

  /** Whether there was a call. */
  boolean called() {
    return calls > 0;
  }

  /** Adds the message of an answer that is there as a whole. */
  void addMessage(ObjectNode choice, String text) {
    StringBuilder content = new StringBuilder();
    ArrayNode toolCalls = Json.NODES.arrayNode();
    List<AnswerPart> parts = new ArrayList<>(read(text));
    parts.addAll(rest());
    for (AnswerPart part : parts) {
      switch (part) {
        case AnswerPart.Text some -> content.append(some.text());
        case AnswerPart.Call call -> toolCalls.add(begun(call.name(), call.arguments()));
      }
    }
    ObjectNode message = choice.putObject("message").put("role", "assistant");
    if (content.isEmpty() && called()) {
      message.putNull("content");
    } else {
      message.put("content", content.toString());
    }
    message.putNull("refusal");
    if (called()) {
      message.set("tool_calls", toolCalls);
    }
  }

  /** What {@code text} adds to a streamed message. */
  List<ObjectNode> deltas(String text) {
    return deltas(read(text));
  }

  /** What the end of the answer adds. */
  List<ObjectNode> lastDeltas() {
    return deltas(rest());
  }

  private List<AnswerPart> read(String text) {
    if (text.isEmpty()) {
      return List.of();
    }
    return reader == null ? List.of(new AnswerPart.Text(text)) : reader.append(text);
  }

  private List<AnswerPart> rest() {
    return reader == null ? List.of() : reader.finish();
  }

  private List<ObjectNode> deltas(List<AnswerPart> parts) {
    List<ObjectNode> deltas = new ArrayList<>();
    for (AnswerPart part : parts) {
      switch (part) {
        case AnswerPart.Text some -> deltas.add(Json.NODES.objectNode().put("content", some.text()));
        case AnswerPart.Call call -> {
          int index = calls;
          ObjectNode begun = begun(call.name(), "");
          deltas.add(delta(Json.NODES.objectNode().put("index", index).setAll(begun)));
          ObjectNode more = Json.NODES.objectNode().put("index", index);
          more.putObject("function").put("arguments", call.arguments());
          deltas.add(delta(more));
        }
      }
    }
    return deltas;
  }

  private static ObjectNode delta(ObjectNode call) {
    ObjectNode delta = Json.NODES.objectNode();
    delta.putArray("tool_calls").add(call);
    return delta;
  }

  private ObjectNode begun(String name, String arguments) {
    if (tools == null) {
      throw new IllegalStateException("a call in a chat without tools");
    }
    calls++;
    ObjectNode call = Json.NODES.objectNode().put("id", tools.format().newId()).put("type", "function");
    call.putObject("function").put("name", name).put("arguments", arguments);
    return call;
  }
}
