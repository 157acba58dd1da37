package io.expertmesh.transport;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** The one place where failures become gRPC statuses, and statuses failures. */
public final class StatusMapping {
  private StatusMapping() {}

  /** The status that a caller sees. What is not meant for callers has no message. */
  public static StatusRuntimeException toStatus(Throwable failure) {
    return switch (failure) {
      case FailureException known -> code(known.category()).withDescription(known.getMessage()).asRuntimeException();
      case StatusRuntimeException status -> status;
      default -> Status.INTERNAL.withDescription("a defect in ExpertMesh; its log has more").withCause(failure)
          .asRuntimeException();
    };
  }

  private static Status code(FailureCategory category) {
    return switch (category) {
      case INVALID_REQUEST, TOO_LARGE -> Status.INVALID_ARGUMENT;
      case NOT_FOUND -> Status.NOT_FOUND;
      case INVALID_CHECKPOINT -> Status.FAILED_PRECONDITION;
      case OVERLOADED -> Status.RESOURCE_EXHAUSTED;
      case UNAVAILABLE -> Status.UNAVAILABLE;
      case CANCELLED -> Status.CANCELLED;
      case INTERNAL -> Status.INTERNAL;
    };
  }
}
