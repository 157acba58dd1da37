package io.expertmesh.tornado;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import org.jspecify.annotations.Nullable;

/** What the device's failures look like to others. */
final class DeviceFailure {
  private DeviceFailure() {}

  static FailureException of(String reason, @Nullable Throwable cause) {
    String message = "the device of --backend tornado has failed: " + reason;
    return cause == null
        ? new FailureException(FailureCategory.UNAVAILABLE, message)
        : new FailureException(FailureCategory.UNAVAILABLE, message, cause);
  }
}
