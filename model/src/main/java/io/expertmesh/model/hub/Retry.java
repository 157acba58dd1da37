package io.expertmesh.model.hub;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.time.Duration;

/** Pauses between tries. */
final class Retry {
  private Retry() {}

  static void pause(Duration delay) {
    try {
      Thread.sleep(delay);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailureException(FailureCategory.CANCELLED, "The download was cancelled.", e);
    }
  }
}
