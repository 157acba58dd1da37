package io.expertmesh.engine.schedule;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.time.Duration;
import java.util.Collections;
import java.util.Set;

/**
 * A request's wait for missing experts. Times are those of {@link System#nanoTime}.
 *
 * @param since when it began
 * @param limit how long it may last
 * @param lastTry when experts were last found missing
 * @param experts ids of missing ones
 * @param missing what to say about them
 */
record ExpertWait(long since, Duration limit, long lastTry, Set<Integer> experts, FailureException missing) {
  /**
   * How soon it is tried again when nothing says that experts are missing: a call lost them, but others may have held
   * them all the time.
   */
  private static final long RETRY_NANOS = 10_000_000;

  boolean over(long now) {
    return now - since >= limit.toNanos();
  }

  boolean mayTryAgain(long now, Set<Integer> unavailable) {
    return now - lastTry >= RETRY_NANOS && Collections.disjoint(experts, unavailable);
  }

  /** Nanoseconds until {@link #over} or {@link #mayTryAgain} can change by time alone. */
  long nanosToChange(long now, Set<Integer> unavailable) {
    long toEnd = limit.toNanos() - (now - since);
    long toTry = RETRY_NANOS - (now - lastTry);
    return Math.max(0, Collections.disjoint(experts, unavailable) ? Math.min(toEnd, toTry) : toEnd);
  }

  FailureException failure() {
    return new FailureException(FailureCategory.UNAVAILABLE,
        "%s; it did not come back within %s s".formatted(missing.getMessage(), limit.toMillis() / 1000.0));
  }
}
