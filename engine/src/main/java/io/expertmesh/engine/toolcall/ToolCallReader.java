package io.expertmesh.engine.toolcall;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Finds the calls in an answer that arrives piece by piece. A call is given out when it is complete, so that its
 * arguments are always a JSON object; a text that begins like a call and is none is given out as text. White space
 * around calls belongs to nobody. The parts do not depend on how the answer was cut into pieces. Not thread-safe.
 */
public final class ToolCallReader {
  private final ToolCallFormat format;
  private final Set<String> functions;
  private final String opening;
  /** What is not given out yet; inside a call it begins with the opening mark. */
  private final StringBuilder held = new StringBuilder();
  /** White space at the end of the text so far, which a call might follow. */
  private final StringBuilder space = new StringBuilder();
  private boolean inside;
  private int searched;
  private boolean called;
  private boolean behindCall;

  /** @param functions that there are; a call of another one is text */
  public ToolCallReader(ToolCallFormat format, Set<String> functions) {
    this.format = format;
    this.functions = Set.copyOf(functions);
    this.opening = format.syntax().open();
  }

  /** The parts that are certain now that {@code text} has arrived. */
  public List<AnswerPart> append(String text) {
    held.append(text);
    List<AnswerPart> parts = new ArrayList<>();
    while (inside ? leaveCall(parts) : enterCall(parts)) {
      // Goes on as long as there is something to give out.
    }
    return parts;
  }

  /** What is still held back when the answer is complete. */
  public List<AnswerPart> finish() {
    List<AnswerPart> parts = new ArrayList<>();
    if (inside) {
      give(format.read(held.substring(opening.length()), functions), held.toString(), parts);
    } else {
      text(held.toString(), parts);
    }
    if (!called && !space.isEmpty()) {
      parts.add(new AnswerPart.Text(space.toString()));
    }
    return parts;
  }

  /** Whether there was a call. */
  public boolean called() {
    return called;
  }

  private boolean enterCall(List<AnswerPart> parts) {
    int at = held.indexOf(opening);
    if (at >= 0) {
      text(held.substring(0, at), parts);
      held.delete(0, at);
      inside = true;
      searched = opening.length();
      return true;
    }
    int certain = held.length() - possibleBeginning();
    text(held.substring(0, certain), parts);
    held.delete(0, certain);
    return false;
  }

  /** The length of the longest end of the held text that the opening mark could begin with. */
  private int possibleBeginning() {
    for (int length = Math.min(opening.length() - 1, held.length()); length > 0; length--) {
      if (opening.startsWith(held.substring(held.length() - length))) {
        return length;
      }
    }
    return 0;
  }

  private boolean leaveCall(List<AnswerPart> parts) {
    String closing = format.closing();
    int at = closing == null ? -1 : held.indexOf(closing, searched);
    if (closing == null || at < 0) {
      searched = closing == null ? searched : Math.max(searched, held.length() - closing.length() + 1);
      return false;
    }
    String block = held.substring(opening.length(), at);
    int behind = at + closing.length();
    List<AnswerPart> read = format.read(block, functions);
    if (read.isEmpty() && endsInString(block)) {
      searched = behind; // the mark is part of an argument
      return true;
    }
    give(read, held.substring(0, behind), parts);
    held.delete(0, behind);
    inside = false;
    return true;
  }

  private static boolean endsInString(String json) {
    boolean inString = false;
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      if (c == '"') {
        inString = !inString;
      } else if (c == '\\' && inString) {
        i++;
      }
    }
    return inString;
  }

  /** @param raw the text that {@code read} was made from */
  private void give(List<AnswerPart> read, String raw, List<AnswerPart> parts) {
    if (read.isEmpty()) {
      text(raw, parts);
      return;
    }
    for (AnswerPart part : read) {
      switch (part) {
        case AnswerPart.Text text -> text(text.text(), parts);
        case AnswerPart.Call call -> {
          space.setLength(0);
          called = true;
          behindCall = true;
          parts.add(call);
        }
      }
    }
  }

  private void text(String text, List<AnswerPart> parts) {
    String more = behindCall ? text.stripLeading() : text;
    String visible = more.stripTrailing();
    if (!visible.isEmpty()) {
      parts.add(new AnswerPart.Text(space + visible));
      space.setLength(0);
      behindCall = false;
    }
    space.append(more, visible.length(), more.length());
  }
}
