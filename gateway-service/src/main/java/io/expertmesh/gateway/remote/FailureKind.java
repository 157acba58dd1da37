package io.expertmesh.gateway.remote;

import java.util.Locale;

/** How a batch, or the link to a replica, can fail. */
enum FailureKind {
  /** The stream ended before the answer. */
  BROKEN,
  /** The two do not compute the same model. */
  FINGERPRINT,
  /** Rejected: the replica has no room. */
  OVERLOADED,
  /** Rejected: the answer would come too late. */
  DEADLINE,
  /** Rejected: it does not hold the expert any more. */
  UNKNOWN_EXPERT,
  /** Rejected as contradictory. */
  INVALID,
  /** Rejected: it is about to stop. */
  DRAINING,
  /** Rejected: its computation failed. */
  FAILED,
  /** The answer's tensor has the wrong shape, type or length. */
  BAD_SHAPE,
  /** The answer has numbers that are not finite. */
  NOT_FINITE,
  /** Another replica answered first. */
  LATE,
  /** An answer that nothing waits for: too late, the second one, or to nothing that was asked. */
  UNUSED;

  /** Whether the same replica may succeed a moment later. */
  boolean passes() {
    return this == OVERLOADED || this == DEADLINE;
  }

  /** As metrics write it. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
