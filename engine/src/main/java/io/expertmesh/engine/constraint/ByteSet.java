package io.expertmesh.engine.constraint;

/** A set of byte values, 0 to 255. */
final class ByteSet {
  private final long[] words = new long[4];

  static ByteSet all() {
    ByteSet set = new ByteSet();
    for (int b = 0; b < 256; b++) {
      set.add(b);
    }
    return set;
  }

  void add(int b) {
    words[b >> 6] |= 1L << b;
  }

  /** Adds the members of {@code other}; true if there was a new one. */
  boolean addAll(ByteSet other) {
    boolean changed = false;
    for (int i = 0; i < words.length; i++) {
      long union = words[i] | other.words[i];
      changed |= union != words[i];
      words[i] = union;
    }
    return changed;
  }

  boolean contains(int b) {
    return (words[b >> 6] & (1L << b)) != 0;
  }
}
