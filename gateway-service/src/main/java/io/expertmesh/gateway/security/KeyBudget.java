package io.expertmesh.gateway.security;

import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.github.resilience4j.ratelimiter.internal.AtomicRateLimiter;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How much of something may be used per minute. Minutes are counted from the start. Use may run into debt, because the
 * length of an answer is known only at its end; the following minutes pay it back.
 */
final class KeyBudget {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final String unit;
  private final int perMinute;
  private final LongSupplier nanoClock;
  private final long startNanos;
  private final RateLimiter limiter;

  KeyBudget(String unit, int perMinute, LongSupplier nanoClock) {
    this.unit = unit;
    this.perMinute = perMinute;
    this.nanoClock = nanoClock;
    this.startNanos = nanoClock.getAsLong();
    RateLimiterConfig config = RateLimiterConfig.custom()
        .limitForPeriod(perMinute)
        .limitRefreshPeriod(MINUTE)
        .timeoutDuration(Duration.ofDays(365))
        .build();
    this.limiter = new AtomicRateLimiter(unit, config, nanoClock::getAsLong);
  }

  String unit() {
    return unit;
  }

  int perMinute() {
    return perMinute;
  }

  /** What is left of this minute; not positive when it is used up. */
  int left() {
    return limiter.getMetrics().getAvailablePermissions();
  }

  void use(int amount) {
    if (amount > 0) {
      limiter.reservePermission(amount);
    }
  }

  /** Until something is there again (if nothing is left) or all of it (otherwise), at least a second. */
  int secondsToRefill() {
    long intoMinute = Math.floorMod(nanoClock.getAsLong() - startNanos, MINUTE.toNanos());
    long minutesOfDebt = Math.max(0, -left() / perMinute);
    long nanos = MINUTE.toNanos() * (1 + minutesOfDebt) - intoMinute;
    return Math.toIntExact(Math.max(1, Math.ceilDiv(nanos, 1_000_000_000L)));
  }
}
