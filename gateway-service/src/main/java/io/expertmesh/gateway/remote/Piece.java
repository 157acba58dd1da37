package io.expertmesh.gateway.remote;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Rows of a plan that travel together: those of one expert, or a part of them if they are many. Whoever claims a piece
 * is the only one who may write its outputs.
 */
final class Piece {
  private static final int OPEN = 0;
  private static final int CLAIMED = 1;
  private static final int LOST = 2;

  final int expertId;
  /** First row of the plan. */
  final int from;
  /** End of the rows (exclusive). */
  final int to;

  /** Streams that were asked; not asked again while they are here. Guarded by the call. */
  List<ReplicaStream> tried = List.of();
  /** Those of them that had no room. Guarded by the call. */
  List<ReplicaStream> full = List.of();
  /** Batches with the piece that are not answered. Guarded by the call. */
  int inFlight;
  /** Those of them that are late. Guarded by the call. */
  int overdue;
  /** When to try again; 0 if nothing is to be waited for. Guarded by the call. */
  long retryNanos;
  /** What the replicas said. Guarded by the call. */
  final List<String> failures = new ArrayList<>(0);

  private final AtomicInteger state = new AtomicInteger(OPEN);

  Piece(int expertId, int from, int to) {
    this.expertId = expertId;
    this.from = from;
    this.to = to;
  }

  int rows() {
    return to - from;
  }

  boolean open() {
    return state.get() == OPEN;
  }

  boolean lost() {
    return state.get() == LOST;
  }

  /** Whether the caller may, and must, write the outputs. */
  boolean claim() {
    return state.compareAndSet(OPEN, CLAIMED);
  }

  /** Gives up; false if somebody has claimed it. */
  boolean lose() {
    return state.compareAndSet(OPEN, LOST);
  }
}
