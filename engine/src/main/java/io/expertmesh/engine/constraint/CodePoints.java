package io.expertmesh.engine.constraint;

import java.util.ArrayList;
import java.util.List;

/**
 * A set of Unicode code points without surrogates, as sorted disjoint ranges {@code {low, high, low, high, ...}}.
 */
record CodePoints(List<Integer> bounds) {
  static final int MAX = 0x10FFFF;
  static final CodePoints NONE = new CodePoints(List.of());
  static final CodePoints ALL = new CodePoints(List.of(0, 0xD7FF, 0xE000, MAX));

  static CodePoints range(int low, int high) {
    return NONE.with(low, high);
  }

  /** The characters and ranges in {@code set}, written as pairs: {@code "azAZ__"}. */
  static CodePoints of(String set) {
    CodePoints points = NONE;
    for (int i = 0; i < set.length(); i += 2) {
      points = points.with(set.charAt(i), set.charAt(i + 1));
    }
    return points;
  }

  CodePoints with(int low, int high) {
    List<Integer> merged = new ArrayList<>();
    int from = low;
    int to = high;
    int i = 0;
    while (i < bounds.size() && bounds.get(i + 1) + 1 < from) {
      merged.add(bounds.get(i));
      merged.add(bounds.get(i + 1));
      i += 2;
    }
    while (i < bounds.size() && bounds.get(i) <= to + 1) {
      from = Math.min(from, bounds.get(i));
      to = Math.max(to, bounds.get(i + 1));
      i += 2;
    }
    merged.add(from);
    merged.add(to);
    merged.addAll(bounds.subList(i, bounds.size()));
    return new CodePoints(merged);
  }

  CodePoints with(CodePoints other) {
    CodePoints union = this;
    for (int i = 0; i < other.bounds.size(); i += 2) {
      union = union.with(other.bounds.get(i), other.bounds.get(i + 1));
    }
    return union;
  }

  /** All code points, without surrogates, that are not in this set. */
  CodePoints complement() {
    List<Integer> gaps = new ArrayList<>();
    CodePoints taken = with(0xD800, 0xDFFF);
    int from = 0;
    for (int i = 0; i < taken.bounds.size(); i += 2) {
      if (taken.bounds.get(i) > from) {
        gaps.add(from);
        gaps.add(taken.bounds.get(i) - 1);
      }
      from = taken.bounds.get(i + 1) + 1;
    }
    if (from <= MAX) {
      gaps.add(from);
      gaps.add(MAX);
    }
    return new CodePoints(gaps);
  }

  CodePoints and(CodePoints other) {
    return complement().with(other.complement()).complement();
  }
}
