package io.expertmesh.simulator.events;

/** Messages one after the other. A message is in one chain at a time. */
final class Chain {
  private final Messages messages;
  private int first = Messages.NONE;
  private int last = Messages.NONE;

  Chain(Messages messages) {
    this.messages = messages;
  }

  boolean isEmpty() {
    return first == Messages.NONE;
  }

  /** {@link Messages#NONE} if there is none; the others follow by {@link Messages#next}. */
  int first() {
    return first;
  }

  void add(int message) {
    messages.next[message] = Messages.NONE;
    if (first == Messages.NONE) {
      first = message;
    } else {
      messages.next[last] = message;
    }
    last = message;
  }

  /** Empties the chain. Returns what was its first message. */
  int takeAll() {
    int taken = first;
    first = Messages.NONE;
    last = Messages.NONE;
    return taken;
  }
}
