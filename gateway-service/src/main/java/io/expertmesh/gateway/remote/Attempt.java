package io.expertmesh.gateway.remote;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.Rejection;
import io.expertmesh.proto.v1.Tensor;
import io.expertmesh.transport.TensorBytes;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** One batch at one replica. Tells the call, and the replica's breaker and counters, how it ended. */
final class Attempt {
  /** Why a batch is sent. */
  enum Cause {
    FIRST, RETRY, HEDGE;

    /** In traces. */
    String label() {
      return switch (this) {
        case FIRST -> "sent";
        case RETRY -> "retry";
        case HEDGE -> "hedge";
      };
    }
  }

  private static final AtomicLong IDS = new AtomicLong();

  final long id = IDS.incrementAndGet();
  final ReplicaLink link;
  final ReplicaStream stream;
  final List<Piece> pieces;
  final int rows;
  final Cause cause;
  private final LayerCall call;
  private final long startNanos = System.nanoTime();
  /** Rows that the replica had to compute, this batch's included. */
  private final int load;
  private final HedgeDelay hedgeDelay;
  private final int newsWhenAsked;
  private volatile boolean written;
  /** Experts that the replica said it does not hold. */
  private Set<Integer> missing = Set.of();
  /** When another replica is asked too. Guarded by the call. */
  long hedgeNanos;
  /** Whether it was. */
  volatile boolean overdue;

  Attempt(LayerCall call, ReplicaStream stream, List<Piece> pieces, int rows, Cause cause,
      HedgeDelay hedgeDelay) {
    this.call = call;
    this.link = stream.link;
    this.stream = stream;
    this.pieces = pieces;
    this.rows = rows;
    this.cause = cause;
    this.load = link.outstandingRows();
    this.newsWhenAsked = link.news();
    this.hedgeDelay = hedgeDelay;
    this.hedgeNanos = startNanos + hedgeDelay.nanos(load);
  }

  /** The message, made when the network is ready for it. */
  ForwardRequest request() {
    written = true;
    ExpertBatch batch = call.batch(this);
    ForwardRequest request = ForwardRequest.newBuilder().setBatch(batch).build();
    link.counters.sent(rows, request.getSerializedSize());
    return request;
  }

  boolean wasWritten() {
    return written;
  }

  void answered(ExpertResult result) {
    long nanos = System.nanoTime() - startNanos;
    Tensor outputs = result.getOutputs();
    try {
      TensorBytes.require(outputs, rows, call.hiddenSize());
    } catch (FailureException wrong) {
      spoilt(nanos, FailureKind.BAD_SHAPE, "wrong answer: " + wrong.getMessage());
      return;
    }
    if (!TensorBytes.finite(outputs)) {
      spoilt(nanos, FailureKind.NOT_FINITE, "wrong answer: it has numbers that are not finite");
      return;
    }
    link.breaker.onSuccess(nanos, TimeUnit.NANOSECONDS);
    link.counters.answered(nanos);
    hedgeDelay.record(load, nanos);
    call.answered(this, result);
  }

  /** The answer cannot be used, and neither, for a while, can the replica. */
  private void spoilt(long nanos, FailureKind kind, String reason) {
    link.breaker.onError(nanos, TimeUnit.NANOSECONDS, new IllegalStateException(reason));
    link.distrust(reason);
    failed(kind, reason);
  }

  void rejected(Rejection rejection) {
    String reason = "rejected: " + rejection.getMessage();
    switch (rejection.getReason()) {
      case REJECTION_REASON_OVERLOADED -> harmless(FailureKind.OVERLOADED, reason);
      case REJECTION_REASON_DEADLINE -> harmless(FailureKind.DEADLINE, reason);
      case REJECTION_REASON_UNKNOWN_EXPERT -> {
        missing = missing(rejection);
        link.lacks(missing, newsWhenAsked);
        harmless(FailureKind.UNKNOWN_EXPERT, reason);
      }
      case REJECTION_REASON_DRAINING -> {
        link.drains(stream);
        harmless(FailureKind.DRAINING, reason);
      }
      case REJECTION_REASON_FAILED -> harmful(FailureKind.FAILED, reason);
      default -> harmful(FailureKind.INVALID, reason);
    }
  }

  /** The batch's experts that a rejection names; all of them if it names none. */
  private Set<Integer> missing(Rejection rejection) {
    Set<Integer> named = new HashSet<>();
    Set<Integer> all = new HashSet<>();
    for (Piece piece : pieces) {
      all.add(piece.expertId);
      if (rejection.getMissingExpertIdsList().contains(piece.expertId)) {
        named.add(piece.expertId);
      }
    }
    return named.isEmpty() ? all : named;
  }

  /** Whether the same replica may be asked for the piece again at once: the batch failed because of others. */
  boolean isBlameless(Piece piece) {
    return !missing.isEmpty() && !missing.contains(piece.expertId);
  }

  /**
   * The stream ended.
   *
   * @param first of the stream's batches: the breaker counts streams, not what they carried
   */
  void broken(String reason, boolean first) {
    if (first) {
      harmful(FailureKind.BROKEN, reason);
    } else {
      harmless(FailureKind.BROKEN, reason);
    }
  }

  /** Its replica is not to be waited for. */
  void hurry() {
    call.hurry(this);
  }

  /** Another answer made this one useless. */
  void cancelled() {
    if (overdue) {
      link.counters.failed(FailureKind.LATE);
      link.breaker.onError(System.nanoTime() - startNanos, TimeUnit.NANOSECONDS,
          new IllegalStateException("another replica answered first"));
    } else {
      link.breaker.releasePermission();
    }
  }

  private void harmless(FailureKind kind, String reason) {
    link.breaker.releasePermission();
    failed(kind, reason);
  }

  private void harmful(FailureKind kind, String reason) {
    link.breaker.onError(System.nanoTime() - startNanos, TimeUnit.NANOSECONDS, new IllegalStateException(reason));
    failed(kind, reason);
  }

  private void failed(FailureKind kind, String reason) {
    link.counters.failed(kind);
    call.failed(this, kind, reason);
  }
}
