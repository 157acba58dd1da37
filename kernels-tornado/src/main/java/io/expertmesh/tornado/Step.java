package io.expertmesh.tornado;

import java.util.Arrays;

/** Rows that go to the device at once: segments of rows of one expert each. Used again and again. */
final class Step {
  private int[] slots = new int[8];
  private int[] sources = new int[8];
  private int[] counts = new int[8];
  private int segments;
  private int rows;

  void clear() {
    segments = 0;
    rows = 0;
  }

  /** Adds {@code count} rows from row {@code source} of the caller's on, for the expert in {@code slot}. */
  void add(int slot, int source, int count) {
    if (segments == slots.length) {
      slots = Arrays.copyOf(slots, 2 * segments);
      sources = Arrays.copyOf(sources, 2 * segments);
      counts = Arrays.copyOf(counts, 2 * segments);
    }
    slots[segments] = slot;
    sources[segments] = source;
    counts[segments] = count;
    segments++;
    rows += count;
  }

  int segments() {
    return segments;
  }

  /** Rows of all segments. */
  int rows() {
    return rows;
  }

  int slot(int segment) {
    return slots[segment];
  }

  /** Where the segment's rows are in the caller's arrays. */
  int source(int segment) {
    return sources[segment];
  }

  int rows(int segment) {
    return counts[segment];
  }
}
