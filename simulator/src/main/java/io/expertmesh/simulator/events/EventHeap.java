package io.expertmesh.simulator.events;

import java.util.Arrays;

/** What happens next: a heap of times with four children to a node, in arrays, since millions of events go through. */
final class EventHeap {
  private static final int CHILDREN = 4;

  private double[] times = new double[1024];
  private long[] events = new long[1024];
  private int size;

  void add(double time, long event) {
    if (size == times.length) {
      times = Arrays.copyOf(times, 2 * size);
      events = Arrays.copyOf(events, 2 * size);
    }
    int at = size++;
    while (at > 0) {
      int parent = (at - 1) / CHILDREN;
      if (times[parent] <= time) {
        break;
      }
      times[at] = times[parent];
      events[at] = events[parent];
      at = parent;
    }
    times[at] = time;
    events[at] = event;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** When the next event is. */
  double nextTime() {
    return times[0];
  }

  /** Takes the next event out. */
  long remove() {
    long first = events[0];
    double time = times[--size];
    long event = events[size];
    int at = 0;
    while (true) {
      int child = CHILDREN * at + 1;
      if (child >= size) {
        break;
      }
      int end = Math.min(child + CHILDREN, size);
      int least = child;
      for (int other = child + 1; other < end; other++) {
        if (times[other] < times[least]) {
          least = other;
        }
      }
      if (times[least] >= time) {
        break;
      }
      times[at] = times[least];
      events[at] = events[least];
      at = least;
    }
    times[at] = time;
    events[at] = event;
    return first;
  }
}
