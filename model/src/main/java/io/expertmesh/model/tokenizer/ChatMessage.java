package io.expertmesh.model.tokenizer;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One message of a chat, as a chat template sees it.
 *
 * @param role {@code system}, {@code user}, {@code assistant}, {@code tool} or what else the template knows
 * @param content null only beside {@code toolCalls}
 * @param name the participant's name, or that of the function whose result a {@code tool} message is; null if not known
 * @param toolCalls what an assistant message calls
 * @param toolCallId the call that a {@code tool} message answers; null for other roles
 */
public record ChatMessage(String role, @Nullable String content, @Nullable String name, List<ToolCall> toolCalls,
    @Nullable String toolCallId) {
  public ChatMessage {
    toolCalls = List.copyOf(toolCalls);
  }

  public ChatMessage(String role, String content, @Nullable String name) {
    this(role, content, name, List.of(), null);
  }

  public ChatMessage(String role, String content) {
    this(role, content, null);
  }
}
