package io.expertmesh.gateway;

import java.time.Duration;

/**
 * The time between the decision to stop and the last request that is taken. Load balancers take a while to hear that a
 * server goes, and send requests until then: these are answered, each with the advice to use another connection next
 * time, while {@code /health} already says that the server is not to be chosen.
 */
public final class Departure {
  private volatile boolean announced;

  /** Whether the server is about to stop. */
  public boolean isAnnounced() {
    return announced;
  }

  /** Says that the server stops, and gives everybody {@code delay} to hear it. */
  void announce(Duration delay) {
    announced = true;
    if (delay.isZero()) {
      return;
    }
    try {
      Thread.sleep(delay);
    } catch (InterruptedException impatient) {
      // The delay alone is cut short: what follows must not be.
    }
  }
}
