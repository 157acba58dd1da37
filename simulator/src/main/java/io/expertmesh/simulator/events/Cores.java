package io.expertmesh.simulator.events;

import java.util.Arrays;

/** The cores of one machine that all processes share, first come, first served; or none that anybody waits for. */
final class Cores {
  static final long NOTHING = -1;

  private final boolean shared;
  private int free;
  private long[] waiting = new long[64];
  private int head;
  private int count;

  /** @param shared how many; 0 if each process has its own */
  Cores(int shared) {
    this.shared = shared > 0;
    this.free = shared;
  }

  boolean areShared() {
    return shared;
  }

  /** Whether {@code work} may begin now; otherwise its turn comes. */
  boolean claim(long work) {
    if (!shared) {
      return true;
    }
    if (free > 0) {
      free--;
      return true;
    }
    if (count == waiting.length) {
      long[] larger = Arrays.copyOf(waiting, 2 * count);
      System.arraycopy(waiting, 0, larger, count, head);
      waiting = larger;
    }
    waiting[(head + count++) % waiting.length] = work;
    return false;
  }

  /** A core is free. Returns the work that takes it, or {@link #NOTHING}. */
  long free() {
    if (count == 0) {
      free++;
      return NOTHING;
    }
    long work = waiting[head];
    head = (head + 1) % waiting.length;
    count--;
    return work;
  }
}
