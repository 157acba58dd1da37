package io.expertmesh.expert.compute;

import io.expertmesh.proto.v1.RejectionReason;

/** Why a batch is not computed; without a stack trace, since gateways cause it and not code. */
public final class BatchRejectedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final RejectionReason reason;

  BatchRejectedException(RejectionReason reason, String message) {
    super(message, null, false, false);
    this.reason = reason;
  }

  static BatchRejectedException invalid(String message) {
    return new BatchRejectedException(RejectionReason.REJECTION_REASON_INVALID, message);
  }

  public RejectionReason reason() {
    return reason;
  }

  /** What is wrong, with the values. */
  public String what() {
    return String.valueOf(getMessage());
  }
}
