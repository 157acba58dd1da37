package io.expertmesh.simulator.events;

import java.util.Arrays;

/** Messages from gateways to replicas, in arrays; a replica's queue is a chain of them. */
final class Messages {
  static final int NONE = -1;

  int[] replica = new int[1024];
  int[] gateway = new int[1024];
  int[] layer = new int[1024];
  int[] rows = new int[1024];
  int[] next = new int[1024];
  double[] arrived = new double[1024];
  private final int words;
  /** Which of the group's experts have rows: a bit each. */
  private long[] experts;
  private int used;
  private int free = NONE;

  /** @param groupSize experts in the largest group */
  Messages(int groupSize) {
    words = Math.ceilDiv(groupSize, Long.SIZE);
    experts = new long[1024 * words];
  }

  int take() {
    if (free != NONE) {
      int message = free;
      free = next[message];
      Arrays.fill(experts, message * words, (message + 1) * words, 0);
      return message;
    }
    if (used == rows.length) {
      int size = 2 * used;
      replica = Arrays.copyOf(replica, size);
      gateway = Arrays.copyOf(gateway, size);
      layer = Arrays.copyOf(layer, size);
      rows = Arrays.copyOf(rows, size);
      next = Arrays.copyOf(next, size);
      arrived = Arrays.copyOf(arrived, size);
      experts = Arrays.copyOf(experts, size * words);
    }
    return used++;
  }

  void giveBack(int message) {
    next[message] = free;
    free = message;
  }

  void setExpert(int message, int member) {
    experts[message * words + member / Long.SIZE] |= 1L << member;
  }

  /** Experts that have rows in any message of the chain from {@code first} on. */
  int experts(int first) {
    int count = 0;
    for (int word = 0; word < words; word++) {
      long bits = 0;
      for (int message = first; message != NONE; message = next[message]) {
        bits |= experts[message * words + word];
      }
      count += Long.bitCount(bits);
    }
    return count;
  }
}
