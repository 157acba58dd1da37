package io.expertmesh.simulator.events;

import java.util.Arrays;

/** Messages from gateways to replicas, in arrays; a replica's queue is a chain of them. */
final class Messages {
  static final int NONE = -1;

  int[] replica = new int[1024];
  int[] gateway = new int[1024];
  int[] layer = new int[1024];
  int[] rows = new int[1024];
  /** Tokens whose states it has: each once, however many of the replica's experts they chose. */
  int[] tokens = new int[1024];
  private int[] lastRow = new int[1024];
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

  /** One without rows. */
  int take() {
    int message = free;
    if (message == NONE) {
      message = used++;
      if (message == rows.length) {
        grow(2 * message);
      }
    } else {
      free = next[message];
    }
    rows[message] = 0;
    tokens[message] = 0;
    lastRow[message] = NONE;
    for (int word = message * words; word < (message + 1) * words; word++) {
      experts[word] = 0;
    }
    return message;
  }

  private void grow(int size) {
    replica = Arrays.copyOf(replica, size);
    gateway = Arrays.copyOf(gateway, size);
    layer = Arrays.copyOf(layer, size);
    rows = Arrays.copyOf(rows, size);
    tokens = Arrays.copyOf(tokens, size);
    lastRow = Arrays.copyOf(lastRow, size);
    next = Arrays.copyOf(next, size);
    arrived = Arrays.copyOf(arrived, size);
    experts = Arrays.copyOf(experts, size * words);
  }

  void giveBack(int message) {
    next[message] = free;
    free = message;
  }

  /**
   * Adds what a row of the step asks of one expert. Rows are added in their order.
   *
   * @param member which of its group's experts
   */
  void add(int message, int row, int member) {
    rows[message]++;
    experts[message * words + member / Long.SIZE] |= 1L << member;
    if (lastRow[message] != row) {
      lastRow[message] = row;
      tokens[message]++;
    }
  }

  /** Experts that have rows in it. */
  int expertsOf(int message) {
    int count = 0;
    for (int word = message * words; word < (message + 1) * words; word++) {
      count += Long.bitCount(experts[word]);
    }
    return count;
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
