package io.expertmesh.engine.toolcall;

import io.expertmesh.engine.constraint.CallSyntax;
import java.security.SecureRandom;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code [TOOL_CALLS]} and an array of {@code {"name": ..., "arguments": {...}}} up to the answer's end (Mixtral-8x22B
 * and other Mistral models before 2025).
 *
 * @param spaced whether there is a space behind the mark
 */
record MistralCalls(boolean spaced) implements ToolCallFormat {
  static final String OPEN = "[TOOL_CALLS]";
  private static final String ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  private static final int ID_LENGTH = 9;
  private static final SecureRandom RANDOM = new SecureRandom();

  @Override
  public CallSyntax syntax() {
    return new CallSyntax(OPEN, spaced ? " [" : "[", "{\"name\": \"", "\", \"arguments\": ", "}", ", ", "]");
  }

  @Override
  public @Nullable String closing() {
    return null;
  }

  @Override
  public List<String> marks() {
    return List.of(OPEN);
  }

  @Override
  public List<AnswerPart> read(String block, Set<String> functions) {
    return CallJson.several(block, functions);
  }

  @Override
  public String newId() {
    StringBuilder id = new StringBuilder();
    for (int i = 0; i < ID_LENGTH; i++) {
      id.append(ID_CHARACTERS.charAt(RANDOM.nextInt(ID_CHARACTERS.length())));
    }
    return id.toString();
  }
}
