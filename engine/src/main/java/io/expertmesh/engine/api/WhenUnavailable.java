package io.expertmesh.engine.api;

import io.expertmesh.model.failure.FailureException;
import java.time.Duration;

/**
 * What a request wants when experts are missing.
 *
 * @param waitLimit how long one pause may take under {@link UnavailablePolicy#WAIT}, at most {@link #LONGEST_WAIT}; the
 *     other policies do not look at it
 */
public record WhenUnavailable(UnavailablePolicy policy, Duration waitLimit) {
  public static final Duration DEFAULT_WAIT = Duration.ofSeconds(30);
  public static final Duration LONGEST_WAIT = Duration.ofHours(1);
  /** The default. */
  public static final WhenUnavailable STRICT = of(UnavailablePolicy.STRICT);

  public WhenUnavailable {
    if (waitLimit.isNegative() || waitLimit.compareTo(LONGEST_WAIT) > 0) {
      throw FailureException.invalidParameter("wait_seconds",
          "the wait limit is %s; it must be between 0 and %s".formatted(waitLimit, LONGEST_WAIT));
    }
  }

  public static WhenUnavailable of(UnavailablePolicy policy) {
    return new WhenUnavailable(policy, DEFAULT_WAIT);
  }
}
