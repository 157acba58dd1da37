package io.expertmesh.engine.api;

import io.expertmesh.model.failure.FailureException;
import java.time.Duration;

/**
 * What a request wants when experts are missing.
 *
 * @param waitLimit how long one pause may take under {@link UnavailablePolicy#WAIT}; the others do not look at it
 */
public record WhenUnavailable(UnavailablePolicy policy, Duration waitLimit) {
  public static final Duration DEFAULT_WAIT = Duration.ofSeconds(30);
  /** The default. */
  public static final WhenUnavailable STRICT = of(UnavailablePolicy.STRICT);

  public WhenUnavailable {
    if (waitLimit.isNegative()) {
      throw FailureException.invalidParameter("wait_seconds",
          "the wait limit is %s; it must not be negative".formatted(waitLimit));
    }
  }

  public static WhenUnavailable of(UnavailablePolicy policy) {
    return new WhenUnavailable(policy, DEFAULT_WAIT);
  }
}
