package io.expertmesh.simulator.events;

import java.util.ArrayDeque;
import java.util.Deque;

/** The cores of one machine that all processes share, first come, first served; or none that anybody waits for. */
final class Cores {
  /** A process that computes with one thread. */
  interface SingleThread {
    /** It has a core now, until it is {@linkplain Cores#release given back}. */
    void compute(double now);
  }

  private final boolean shared;
  private final Deque<SingleThread> waiting = new ArrayDeque<>();
  private int free;

  /** @param shared how many; 0 if each process has its own */
  Cores(int shared) {
    this.shared = shared > 0;
    this.free = shared;
  }

  boolean areShared() {
    return shared;
  }

  /** Lets {@code process} compute, now or when its turn comes. */
  void claim(SingleThread process, double now) {
    if (shared) {
      if (free == 0) {
        waiting.add(process);
        return;
      }
      free--;
    }
    process.compute(now);
  }

  /** A core is free; whoever waited longest takes it. */
  void release(double now) {
    if (!shared) {
      return;
    }
    SingleThread next = waiting.poll();
    if (next == null) {
      free++;
    } else {
      next.compute(now);
    }
  }
}
