package io.expertmesh.engine.toolcall;

import io.expertmesh.engine.constraint.CallSyntax;
import java.util.List;
import java.util.Set;

/**
 * {@code <tool_call>}, a line with {@code {"name": ..., "arguments": {...}}}, {@code </tool_call>}, once for each call
 * (Qwen2.5, Qwen3, Hermes).
 */
record HermesCalls() implements ToolCallFormat {
  static final String OPEN = "<tool_call>";
  private static final String CLOSE = "</tool_call>";

  @Override
  public CallSyntax syntax() {
    return new CallSyntax(OPEN, "", "\n{\"name\": \"", "\", \"arguments\": ", "}\n" + CLOSE, "\n" + OPEN, "");
  }

  @Override
  public String closing() {
    return CLOSE;
  }

  @Override
  public List<String> marks() {
    return List.of(OPEN, CLOSE);
  }

  @Override
  public List<AnswerPart> read(String block, Set<String> functions) {
    return CallJson.one(block, functions);
  }
}
