package io.expertmesh.router.placement;

import java.util.Collection;

/** Expert ids as people write them. */
public final class ExpertRanges {
  private ExpertRanges() {}

  /**
   * Such as {@code 0-7,16,40-43}.
   *
   * @param ascending the ids
   */
  public static String of(Collection<Integer> ascending) {
    StringBuilder text = new StringBuilder();
    int first = -1;
    int last = -2;
    for (int id : ascending) {
      if (id != last + 1) {
        append(text, first, last);
        first = id;
      }
      last = id;
    }
    append(text, first, last);
    return text.toString();
  }

  private static void append(StringBuilder text, int first, int last) {
    if (first >= 0) {
      text.append(text.isEmpty() ? "" : ",").append(first);
      if (last > first) {
        text.append('-').append(last);
      }
    }
  }
}
