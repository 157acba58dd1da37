package io.expertmesh.engine.experts;

import java.time.Duration;
import java.util.Set;

/**
 * Experts that nobody holds because nobody needed them, and that are started when they are wanted. Requests that choose
 * one wait for it, whatever they want when experts are missing.
 *
 * @param ids some of the unavailable experts
 * @param patience how long a request waits
 * @param mostRequests that wait; others are treated as if the expert were missing
 */
public record SleepingExperts(Set<Integer> ids, Duration patience, int mostRequests) {
  /** Experts that are missing are just missing. */
  public static final SleepingExperts NONE = new SleepingExperts(Set.of(), Duration.ZERO, 0);

  public SleepingExperts {
    ids = Set.copyOf(ids);
  }
}
