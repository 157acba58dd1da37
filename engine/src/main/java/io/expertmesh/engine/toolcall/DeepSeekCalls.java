package io.expertmesh.engine.toolcall;

import io.expertmesh.engine.constraint.CallSyntax;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * All calls between one pair of marks, each between another pair, the name apart from the arguments. DeepSeek-V3 and R1
 * write {@code function}, a mark, the name, and the arguments as a fenced block; DeepSeek-V3.1 the name, a mark, the
 * arguments. Both are read; {@code fenced} says which of them the model writes.
 */
record DeepSeekCalls(boolean fenced) implements ToolCallFormat {
  static final String OPEN = "<｜tool▁calls▁begin｜>";
  private static final String CLOSE = "<｜tool▁calls▁end｜>";
  private static final String CALL_OPEN = "<｜tool▁call▁begin｜>";
  private static final String CALL_CLOSE = "<｜tool▁call▁end｜>";
  private static final String SEPARATOR = "<｜tool▁sep｜>";
  private static final Pattern FENCED = Pattern.compile("\\s*([^\\s`]+)\\s*```(?:json)?\\s*(.*?)\\s*```\\s*",
      Pattern.DOTALL);

  @Override
  public CallSyntax syntax() {
    return fenced
        ? new CallSyntax(OPEN, CALL_OPEN, "function" + SEPARATOR, "\n```json\n", "\n```" + CALL_CLOSE,
            "\n" + CALL_OPEN, CLOSE)
        : new CallSyntax(OPEN, CALL_OPEN, "", SEPARATOR, CALL_CLOSE, CALL_OPEN, CLOSE);
  }

  @Override
  public String closing() {
    return CLOSE;
  }

  @Override
  public List<String> marks() {
    return List.of(OPEN, CLOSE, CALL_OPEN, CALL_CLOSE, SEPARATOR);
  }

  @Override
  public List<AnswerPart> read(String block, Set<String> functions) {
    List<AnswerPart> parts = new ArrayList<>();
    int at = 0;
    while (at < block.length()) {
      int begin = block.indexOf(CALL_OPEN, at);
      if (begin < 0) {
        break;
      }
      addText(block.substring(at, begin), parts);
      int end = block.indexOf(CALL_CLOSE, begin);
      int behind = end < 0 ? block.length() : end + CALL_CLOSE.length();
      AnswerPart call = call(block.substring(begin + CALL_OPEN.length(), end < 0 ? block.length() : end), functions);
      parts.add(call == null ? new AnswerPart.Text(block.substring(begin, behind)) : call);
      at = behind;
    }
    addText(block.substring(at), parts);
    return parts.stream().anyMatch(AnswerPart.Call.class::isInstance) ? parts : List.of();
  }

  private static void addText(String text, List<AnswerPart> parts) {
    if (!text.isBlank()) {
      parts.add(new AnswerPart.Text(text));
    }
  }

  private static AnswerPart.@Nullable Call call(String text, Set<String> functions) {
    int separator = text.indexOf(SEPARATOR);
    if (separator < 0) {
      return null;
    }
    String before = text.substring(0, separator).strip();
    String behind = text.substring(separator + SEPARATOR.length());
    Matcher block = FENCED.matcher(behind);
    return block.matches()
        ? CallJson.call(block.group(1), block.group(2), functions)
        : CallJson.call(before, behind.strip(), functions);
  }
}
