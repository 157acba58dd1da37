package io.expertmesh.kernels;

/** Selection of the largest elements. */
public final class TopK {
  private TopK() {}

  /**
   * Indices of the {@code ids.length} largest of {@code n} values, largest first; ties go to the lower index.
   * NaN is never selected before a number.
   */
  public static void select(float[] values, int offset, int n, int[] ids) {
    int k = ids.length;
    int filled = 0;
    for (int i = 0; i < n; i++) {
      float value = values[offset + i];
      int at = filled;
      while (at > 0 && before(value, values[offset + ids[at - 1]])) {
        at--;
      }
      if (at == k) {
        continue;
      }
      if (filled < k) {
        filled++;
      }
      System.arraycopy(ids, at, ids, at + 1, filled - 1 - at);
      ids[at] = i;
    }
  }

  private static boolean before(float candidate, float held) {
    return candidate > held || (Float.isNaN(held) && !Float.isNaN(candidate));
  }
}
