package io.expertmesh.model.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * One message of a chat, as a chat template sees it.
 *
 * @param role {@code system}, {@code user}, {@code assistant} or what else the template knows
 * @param name the participant's name, if the caller gave one
 */
public record ChatMessage(String role, String content, @Nullable String name) {
  public ChatMessage(String role, String content) {
    this(role, content, null);
  }
}
