package io.expertmesh.model.sentencepiece;

import java.util.Arrays;

/** A list of ids that grows. */
public final class Ids {
  private int[] values = new int[16];
  private int size;

  public void add(int id) {
    if (size == values.length) {
      values = Arrays.copyOf(values, 2 * size);
    }
    values[size++] = id;
  }

  public int size() {
    return size;
  }

  public int[] toArray() {
    return Arrays.copyOf(values, size);
  }
}
