package io.expertmesh.gateway.remote;

import io.expertmesh.engine.experts.CallOrigin;
import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.engine.experts.ExpertCall;
import io.expertmesh.engine.watch.RequestWatch;
import io.expertmesh.gateway.trace.ExpertsSpan;
import io.expertmesh.gateway.trace.LayerSpan;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.transport.TensorBytes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The experts of one layer, until each piece of the plan has an answer or nobody is left to ask. Answers go straight
 * into the caller's outputs; the first valid one claims a piece, and later ones write nothing.
 *
 * <p>Nothing is sent and nobody is called while the lock is held: a network that fails at once calls back at once.
 */
final class LayerCall implements ExpertCall {
  private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(3);
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(12);
  private static final long NEXT_HEDGE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final RemoteExperts experts;
  private final int layer;
  private final DispatchPlan plan;
  private final float[] hidden;
  private final float[] outputs;
  private final CallOrigin origin;
  /** Null if the call is not traced. */
  private final @Nullable ExpertsSpan span;
  private final Thread caller = Thread.currentThread();
  private final long deadlineNanos;
  private final Piece[] pieces;
  private final AtomicInteger open;
  /** Guarded by this. */
  private final List<Attempt> inFlight = new ArrayList<>();

  /**
   * @param hidden (tokens, hidden); not changed until the call has ended
   * @param outputs (plan.rows, hidden)
   * @param origin whose rows they are
   */
  LayerCall(RemoteExperts experts, int layer, DispatchPlan plan, float[] hidden, float[] outputs, CallOrigin origin,
      long deadlineNanos) {
    this.experts = experts;
    this.layer = layer;
    this.plan = plan;
    this.hidden = hidden;
    this.outputs = outputs;
    this.origin = origin;
    this.span = origin.layer() instanceof LayerSpan watched
        ? watched.experts(plan.rows(), plan.expertIds().length)
        : null;
    this.deadlineNanos = deadlineNanos;
    this.pieces = Piece.of(plan, experts.holders(), experts.computeTime(),
        BatchMessage.maxPieceRows(experts.hiddenSize()));
    this.open = new AtomicInteger(pieces.length);
  }

  void start() {
    dispatch(List.of(pieces), Attempt.Cause.FIRST);
  }

  int hiddenSize() {
    return experts.hiddenSize();
  }

  boolean done() {
    return open.get() == 0;
  }

  @Override
  public List<LostExpert> await() {
    boolean interrupted = false;
    while (!done()) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    List<LostExpert> lost = lostExperts();
    experts.lost(lost.size());
    for (LostExpert expert : lost) {
      tell("expert lost", "expert " + expert.expertId(), expert.reason());
    }
    return lost;
  }

  private List<LostExpert> lostExperts() {
    List<LostExpert> lost = new ArrayList<>(0);
    for (Piece piece : pieces) {
      if (piece.lost() && (lost.isEmpty() || lost.getLast().expertId() != piece.expertId)) {
        lost.add(new LostExpert(piece.expertId, reason(piece)));
      }
    }
    return lost;
  }

  private synchronized String reason(Piece piece) {
    return "expert %d of layer %d could not be computed: %s".formatted(piece.expertId, layer,
        piece.failures.isEmpty() ? "no replica that holds it can be reached" : String.join("; ", piece.failures));
  }

  /** What the message of an attempt says. */
  ExpertBatch batch(Attempt attempt) {
    long left = Math.max(1, TimeUnit.NANOSECONDS.toMicros(deadlineNanos - System.nanoTime()));
    ExpertBatch.Builder batch = BatchMessage.of(attempt, layer, plan, hidden, hiddenSize(), experts.wire())
        .setTimeoutMicros(left).addAllRequestIds(origin.requests());
    if (span != null) {
      batch.setTraceparent(span.traceparent());
    }
    return batch.build();
  }

  /** Sends the pieces to replicas that they were not sent to yet; those that nobody is left for wait or are lost. */
  private void dispatch(Collection<Piece> wanted, Attempt.Cause cause) {
    List<Attempt> planned = new ArrayList<>();
    int lost = 0;
    synchronized (this) {
      Holders holders = experts.holders();
      ReplicaChoice choice = new ReplicaChoice(holders, still(wanted, cause), experts.computeTime(),
          experts.nextRotation());
      choice.chosen.forEach((stream, chosen) -> admit(stream, chosen, cause, planned));
      for (Piece piece : choice.unplaced) {
        lost += cause == Attempt.Cause.HEDGE || !waitOrLose(piece, holders) ? 0 : 1;
      }
      inFlight.addAll(planned);
    }
    for (Attempt attempt : planned) {
      experts.sending(attempt);
      tellSending(attempt);
      attempt.stream.send(attempt);
    }
    closePieces(lost);
  }

  private void tellSending(Attempt attempt) {
    if (attempt.cause != Attempt.Cause.FIRST) {
      tell(attempt.cause.label(), attempt.link.name, "%d rows".formatted(attempt.rows));
    }
    if (span != null) {
      span.sent(attempt.cause.label(), attempt.link.name, attempt.rows);
    }
  }

  /** What is out of the ordinary, in the traces of all requests that it concerns. */
  private void tell(String what, String where, String reason) {
    for (RequestWatch watch : origin.watches()) {
      watch.incident(what, layer, where, reason);
    }
  }

  /** Those that need it, in the order of their experts: somebody may have been quicker. */
  private static List<Piece> still(Collection<Piece> wanted, Attempt.Cause cause) {
    List<Piece> still = new ArrayList<>(wanted.size());
    for (Piece piece : wanted) {
      if (piece.open() && (piece.inFlight == 0 || cause == Attempt.Cause.HEDGE)) {
        still.add(piece);
      }
    }
    if (cause != Attempt.Cause.FIRST) {
      still.sort(Comparator.comparingInt(piece -> piece.from));
    }
    return still;
  }

  /** Makes as many batches as the replica's limits ask for. */
  private void admit(ReplicaStream stream, List<Piece> chosen, Attempt.Cause cause, List<Attempt> planned) {
    for (List<Piece> batch : BatchMessage.split(chosen, plan, hiddenSize(), stream.maxRows())) {
      int rows = 0;
      for (Piece piece : batch) {
        rows += piece.rows();
      }
      if (!stream.link.admit(stream, rows)) {
        if (cause != Attempt.Cause.HEDGE) {
          batch.forEach(LayerCall::pause);
        }
        continue;
      }
      for (Piece piece : batch) {
        piece.tried = plus(piece.tried, stream);
        piece.inFlight++;
        piece.retryNanos = 0;
      }
      planned.add(new Attempt(this, stream, batch, rows, cause, experts.hedgeDelay()));
    }
  }

  private static List<ReplicaStream> plus(List<ReplicaStream> streams, ReplicaStream stream) {
    List<ReplicaStream> more = new ArrayList<>(streams);
    more.add(stream);
    return more;
  }

  private static List<ReplicaStream> minus(List<ReplicaStream> streams, List<ReplicaStream> some) {
    List<ReplicaStream> rest = new ArrayList<>(streams);
    rest.removeAll(some);
    return rest;
  }

  /**
   * Whether the piece was lost. It is not while a stream has ended that {@code holders} still count on: those who come
   * next, replicas of last resort among them, are found out on another thread.
   */
  private static boolean waitOrLose(Piece piece, Holders holders) {
    if (piece.inFlight > 0) {
      return false;
    }
    if (piece.full.isEmpty() && holders.holders(piece.expertId).stream().allMatch(link -> link.live() != null)) {
      return piece.lose();
    }
    piece.tried = minus(piece.tried, piece.full);
    piece.full = List.of();
    pause(piece);
    return false;
  }

  private static void pause(Piece piece) {
    piece.retryNanos = System.nanoTime()
        + ThreadLocalRandom.current().nextLong(SHORTEST_PAUSE_NANOS, LONGEST_PAUSE_NANOS);
  }

  /** A valid answer. */
  void answered(Attempt attempt, ExpertResult answer) {
    if (span != null) {
      span.answered(attempt.link.name, answer.getQueueMicros(), answer.getComputeMicros());
    }
    int claimed = 0;
    int row = 0;
    for (Piece piece : attempt.pieces) {
      if (piece.claim()) {
        TensorBytes.copyRows(answer.getOutputs(), row, piece.rows(), hiddenSize(), outputs, piece.from);
        claimed++;
      }
      row += piece.rows();
    }
    closePieces(claimed);
    experts.answered(attempt, answer, claimed > 0);
    List<Attempt> useless;
    synchronized (this) {
      forget(attempt);
      useless = useless();
    }
    useless.forEach(LayerCall::cancel);
  }

  /** No answer, or no valid one. */
  void failed(Attempt attempt, FailureKind kind, String reason) {
    tell("batch failed", attempt.link.name, reason);
    if (span != null) {
      span.failed(attempt.link.name, reason);
    }
    List<Piece> again = new ArrayList<>();
    synchronized (this) {
      forget(attempt);
      for (Piece piece : attempt.pieces) {
        if (piece.open()) {
          piece.failures.add(attempt.link.name + ": " + reason);
          if (kind.passes()) {
            piece.full = plus(piece.full, attempt.stream);
          } else if (attempt.isBlameless(piece)) {
            piece.tried = minus(piece.tried, List.of(attempt.stream));
          }
          if (piece.inFlight == 0) {
            again.add(piece);
          }
        }
      }
    }
    if (!again.isEmpty()) {
      dispatch(again, Attempt.Cause.RETRY);
    }
  }

  private synchronized void forget(Attempt attempt) {
    inFlight.remove(attempt);
    for (Piece piece : attempt.pieces) {
      piece.inFlight--;
      piece.overdue -= attempt.overdue ? 1 : 0;
    }
  }

  /** Attempts whose pieces all have answers. */
  private synchronized List<Attempt> useless() {
    List<Attempt> useless = new ArrayList<>(0);
    for (Attempt attempt : inFlight) {
      boolean needed = false;
      for (Piece piece : attempt.pieces) {
        needed |= piece.open();
      }
      if (!needed) {
        useless.add(attempt);
      }
    }
    inFlight.removeAll(useless);
    return useless;
  }

  private static void cancel(Attempt attempt) {
    if (attempt.stream.cancel(attempt)) {
      attempt.cancelled();
    }
  }

  private void closePieces(int count) {
    if (count > 0 && open.addAndGet(-count) == 0) {
      experts.ended(this);
      if (span != null) {
        span.end(lostPieces());
      }
      LockSupport.unpark(caller);
    }
  }

  private int lostPieces() {
    int lost = 0;
    for (Piece piece : pieces) {
      lost += piece.lost() ? 1 : 0;
    }
    return lost;
  }

  /** Looks at the clock: what is late is asked of others too, what has waited is tried again. */
  void tick(long now) {
    if (now - deadlineNanos > 0) {
      giveUp("no answer in time");
      return;
    }
    Set<Piece> late = new LinkedHashSet<>();
    List<Piece> rested = new ArrayList<>(0);
    List<Suspicion> suspects = new ArrayList<>(0);
    synchronized (this) {
      for (Attempt attempt : inFlight) {
        if (now - attempt.hedgeNanos > 0) {
          attempt.hedgeNanos = now + NEXT_HEDGE_NANOS; // for a replica that comes meanwhile
          if (!attempt.overdue) {
            attempt.overdue = true;
            attempt.pieces.forEach(piece -> piece.overdue++);
            suspects.add(attempt.link.suspicion);
          }
          late.addAll(attempt.pieces);
        }
      }
      late.removeIf(piece -> piece.overdue < piece.inFlight);
      for (Piece piece : pieces) {
        if (piece.retryNanos != 0 && now - piece.retryNanos > 0) {
          piece.retryNanos = 0;
          rested.add(piece);
        }
      }
    }
    suspects.forEach(Suspicion::raise);
    if (!late.isEmpty()) {
      dispatch(late, Attempt.Cause.HEDGE);
    }
    if (!rested.isEmpty()) {
      dispatch(rested, Attempt.Cause.RETRY);
    }
  }

  /** The table has lost this attempt's replica: others are asked too, now. */
  synchronized void hurry(Attempt attempt) {
    if (!attempt.overdue) {
      attempt.hedgeNanos = System.nanoTime();
    }
  }

  /** Loses what is open. */
  void giveUp(String reason) {
    int lost = 0;
    List<Attempt> useless;
    synchronized (this) {
      for (Piece piece : pieces) {
        if (piece.lose()) {
          piece.failures.add(reason);
          lost++;
        }
      }
      useless = List.copyOf(inFlight);
      inFlight.clear();
    }
    useless.forEach(LayerCall::cancel);
    closePieces(lost);
  }
}
