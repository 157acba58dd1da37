package io.expertmesh.model.sentencepiece;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds which of some strings stand at a place of a text. */
public final class PieceIndex {
  private final String[] strings;
  private final int[] values;

  /** @param valueOf a value for each string; no string is empty */
  public PieceIndex(Map<String, Integer> valueOf) {
    strings = valueOf.keySet().toArray(new String[0]);
    Arrays.sort(strings, Comparator.naturalOrder());
    values = new int[strings.length];
    for (int i = 0; i < strings.length; i++) {
      Integer value = valueOf.get(strings[i]);
      values[i] = value == null ? -1 : value;
    }
  }

  /** Takes what was found. */
  @FunctionalInterface
  public interface Visitor {
    /** @param length chars of the string */
    void found(int length, int value);
  }

  /** Calls {@code visitor} for each string that {@code text} has at {@code from}, the shortest first. */
  public void at(String text, int from, Visitor visitor) {
    int low = 0;
    int high = strings.length;
    for (int depth = 0; from + depth < text.length() && low < high; depth++) {
      char c = text.charAt(from + depth);
      low = first(low, high, depth, c);
      high = first(low, high, depth, c + 1);
      if (low < high && strings[low].length() == depth + 1) {
        visitor.found(depth + 1, values[low]);
      }
    }
  }

  /** What was found. */
  public record Match(int length, int value) {}

  /** The longest string that {@code text} has at {@code from}, null if it has none. */
  public @Nullable Match longest(String text, int from) {
    int low = 0;
    int high = strings.length;
    Match longest = null;
    for (int depth = 0; from + depth < text.length() && low < high; depth++) {
      char c = text.charAt(from + depth);
      low = first(low, high, depth, c);
      high = first(low, high, depth, c + 1);
      if (low < high && strings[low].length() == depth + 1) {
        longest = new Match(depth + 1, values[low]);
      }
    }
    return longest;
  }

  /** The first of the strings {@code low} to {@code high} whose char at {@code depth} is {@code c} or more. */
  private int first(int low, int high, int depth, int c) {
    int from = low;
    int to = high;
    while (from < to) {
      int middle = (from + to) >>> 1;
      String string = strings[middle];
      if (string.length() > depth && string.charAt(depth) >= c) {
        to = middle;
      } else {
        from = middle + 1;
      }
    }
    return from;
  }
}
