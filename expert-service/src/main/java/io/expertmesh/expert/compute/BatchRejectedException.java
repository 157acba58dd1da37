package io.expertmesh.expert.compute;

import io.expertmesh.proto.v1.RejectionReason;
import java.util.List;

/** Why a batch is not computed; without a stack trace, since gateways cause it and not code. */
public final class BatchRejectedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final RejectionReason reason;
  @SuppressWarnings("serial") // lists of the JDK are
  private final List<Integer> missing;

  BatchRejectedException(RejectionReason reason, String message) {
    this(reason, message, List.of());
  }

  private BatchRejectedException(RejectionReason reason, String message, List<Integer> missing) {
    super(message, null, false, false);
    this.reason = reason;
    this.missing = missing;
  }

  static BatchRejectedException invalid(String message) {
    return new BatchRejectedException(RejectionReason.REJECTION_REASON_INVALID, message);
  }

  /** Some of the batch's experts are not held. */
  static BatchRejectedException missing(List<Integer> ids, ExpertHolding holding) {
    return new BatchRejectedException(RejectionReason.REJECTION_REASON_UNKNOWN_EXPERT,
        "%s %s not held here; %s are".formatted(ids.size() == 1 ? "expert " + ids.getFirst() : "experts " + ids,
            ids.size() == 1 ? "is" : "are", holding),
        List.copyOf(ids));
  }

  /** Some of the batch's experts were given up before it was queued. */
  static BatchRejectedException givenUp(List<Integer> ids) {
    return new BatchRejectedException(RejectionReason.REJECTION_REASON_UNKNOWN_EXPERT,
        "experts %s are not held here any more".formatted(ids), List.copyOf(ids));
  }

  public RejectionReason reason() {
    return reason;
  }

  /** The batch's experts that are not held. */
  public List<Integer> missing() {
    return missing;
  }

  /** What is wrong, with the values. */
  public String what() {
    return String.valueOf(getMessage());
  }
}
