package io.expertmesh.router.metrics;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** What happened since the router started, counted by kind. Any thread may count. */
public final class RouterCounters {
  /** What is counted; the names are those of the metrics' label {@code event}. */
  public enum Event {
    REGISTERED, REFUSED_INVALID, REFUSED_DUPLICATE, REFUSED_TOO_MANY, REPLACED, STREAM_BROKEN, LEASE_EXPIRED, TABLE_PUBLISHED, FULL_TABLE_SENT, DELTA_SENT, EXPERT_RELEASED, MOVE_FAILED, ADMIN_REFUSED, LED;

    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Map<Event, LongAdder> counts = new EnumMap<>(Event.class);

  public RouterCounters() {
    for (Event event : Event.values()) {
      counts.put(event, new LongAdder());
    }
  }

  public void count(Event event) {
    of(event).increment();
  }

  public long get(Event event) {
    return of(event).sum();
  }

  private LongAdder of(Event event) {
    LongAdder count = counts.get(event);
    if (count == null) {
      throw new IllegalStateException("no counter for " + event);
    }
    return count;
  }
}
