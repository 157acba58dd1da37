package io.expertmesh.simulator.events;

/** What happens when: simulated time, and what is still to come. */
final class Agenda {
  /** What can happen to the gateway, the message or the replica of a number. */
  enum Event {
    /** A request comes; the number is of no meaning. */
    ARRIVAL(0),
    /** A gateway looks whether there is work. */
    BEGIN(1),
    /** A gateway has all that it waited for, of a layer or of the step. */
    ANSWERED(2),
    /** A message reaches its replica. */
    MESSAGE(3),
    /** A replica has computed its batch. */
    COMPUTED(4),
    /** A gateway does not need its core any more; the number is of no meaning. */
    CORE_FREE(5);

    /** Place in {@link #EVENTS}. */
    private final int code;

    Event(int code) {
      this.code = code;
    }
  }

  private static final Event[] EVENTS = Event.values();
  private static final int SHIFT = Integer.SIZE;

  private final EventHeap heap = new EventHeap();
  private double now;
  private long current;
  private long count;

  void add(double time, Event event, int number) {
    heap.add(time, (long) event.code << SHIFT | number);
  }

  /** Goes on to the next event. False if none is before {@code limit}. */
  boolean next(double limit) {
    if (heap.isEmpty() || heap.nextTime() >= limit) {
      return false;
    }
    now = heap.nextTime();
    current = heap.remove();
    count++;
    return true;
  }

  double now() {
    return now;
  }

  Event event() {
    return EVENTS[(int) (current >> SHIFT)];
  }

  int number() {
    return (int) current;
  }

  /** Events so far. */
  long count() {
    return count;
  }
}
