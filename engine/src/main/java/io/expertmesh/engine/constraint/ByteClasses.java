package io.expertmesh.engine.constraint;

/**
 * Splits the 256 byte values into intervals that an automaton need not tell apart, so that its table has a column for
 * each interval and not for each byte.
 */
final class ByteClasses {
  private final int[] classOf = new int[256];
  private final int[] low;

  private ByteClasses(boolean[] startsHere) {
    IntList lows = new IntList();
    for (int b = 0; b < 256; b++) {
      if (b == 0 || startsHere[b]) {
        lows.add(b);
      }
      classOf[b] = lows.size() - 1;
    }
    low = lows.toArray();
  }

  int count() {
    return low.length;
  }

  int of(int b) {
    return classOf[b];
  }

  int low(int byteClass) {
    return low[byteClass];
  }

  int high(int byteClass) {
    return byteClass + 1 < low.length ? low[byteClass + 1] - 1 : 255;
  }

  /** Collects where intervals must begin. */
  static final class Builder {
    private final boolean[] startsHere = new boolean[257];

    Builder range(int lowByte, int highByte) {
      startsHere[lowByte] = true;
      startsHere[highByte + 1] = true;
      return this;
    }

    Builder all(ByteClasses classes) {
      for (int start : classes.low) {
        startsHere[start] = true;
      }
      return this;
    }

    Builder set(ByteSet set) {
      for (int b = 1; b < 256; b++) {
        startsHere[b] |= set.contains(b) != set.contains(b - 1);
      }
      return this;
    }

    ByteClasses build() {
      return new ByteClasses(startsHere);
    }
  }
}
