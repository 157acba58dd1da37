package io.expertmesh.gateway.remote;

import io.expertmesh.engine.experts.DispatchPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Rows of a plan that travel together: those of one expert, or a part of them if they are many. Whoever claims a piece
 * is the only one who may write its outputs.
 */
final class Piece {
  /** With so many rows, computing an expert takes longer than reading its weights, so two replicas may do it. */
  private static final int ROWS_WORTH_READING = 32;
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

  /**
   * An expert's rows are one piece; where a part of its group's rows ends amid many of them, they are several.
   *
   * @param mostRows of a piece
   */
  static Piece[] of(DispatchPlan plan, Holders holders, ComputeTime computeTime, int mostRows) {
    int[] groupRows = new int[holders.groups().size()];
    for (int i = 0; i < plan.expertIds().length; i++) {
      groupRows[holders.groupOf()[plan.expertIds()[i]]] += plan.starts()[i + 1] - plan.starts()[i];
    }
    int[] shareLeft = new int[groupRows.length];
    int limit = Math.min(holders.maxRows(), mostRows);
    List<Piece> pieces = new ArrayList<>(plan.expertIds().length);
    for (int i = 0; i < plan.expertIds().length; i++) {
      int expertId = plan.expertIds()[i];
      int group = holders.groupOf()[expertId];
      int parts = Math.clamp(holders.groups().get(group).size(), 1, computeTime.parts(groupRows[group]));
      int share = Math.max(ROWS_WORTH_READING, Math.ceilDiv(groupRows[group], parts));
      int end = plan.starts()[i + 1];
      for (int from = plan.starts()[i]; from < end;) {
        shareLeft[group] = shareLeft[group] > 0 ? shareLeft[group] : share;
        int rows = Math.min(limit, end - from);
        if (shareLeft[group] >= ROWS_WORTH_READING && rows - shareLeft[group] >= ROWS_WORTH_READING) {
          rows = shareLeft[group];
        }
        shareLeft[group] -= rows;
        pieces.add(new Piece(expertId, from, from + rows));
        from += rows;
      }
    }
    return pieces.toArray(Piece[]::new);
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
