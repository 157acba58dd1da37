package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.CancelBatch;
import io.expertmesh.proto.v1.ExpertLimits;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.expertmesh.proto.v1.Hello;
import io.expertmesh.transport.ConnectionReason;
import io.expertmesh.transport.ForwardMethod;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One stream to a replica, from its hello to its end; a link that reconnects has a new one. Each batch that is sent ends
 * exactly once: with an answer, a rejection, the end of the stream, or cancelled. Callbacks run on the network's threads.
 */
final class ReplicaStream implements ClientResponseObserver<ForwardRequest, ForwardResponse> {
  final ReplicaLink link;
  final ManagedChannel channel;
  private final Map<Long, Attempt> inFlight = new ConcurrentHashMap<>();
  private final Queue<Supplier<@Nullable ForwardRequest>> outbox = new ConcurrentLinkedQueue<>();
  private final AtomicInteger writing = new AtomicInteger();
  private final AtomicBoolean ended = new AtomicBoolean();
  private final AtomicBoolean brokeSome = new AtomicBoolean();
  private volatile @Nullable ClientCallStreamObserver<ForwardRequest> requests;
  private volatile ExpertLimits limits = ExpertLimits.getDefaultInstance();
  private volatile String endReason = "";

  ReplicaStream(ReplicaLink link, ManagedChannel channel) {
    this.link = link;
    this.channel = channel;
  }

  void open(Hello hello) {
    outbox.add(() -> ForwardRequest.newBuilder().setHello(hello).build());
    ForwardMethod.call(channel, this);
    write();
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<ForwardRequest> stream) {
    stream.setOnReadyHandler(this::write);
    requests = stream;
  }

  /** Rows of a batch at most. */
  int maxRows() {
    return unlimitedIfZero(limits.getMaxRows());
  }

  /** Rows that may be sent without an answer. */
  int maxOutstandingRows() {
    return unlimitedIfZero(limits.getMaxQueuedRows());
  }

  /** Unsigned on the wire. */
  private static int unlimitedIfZero(int limit) {
    return limit <= 0 ? Integer.MAX_VALUE : limit;
  }

  void welcomed(ExpertLimits granted) {
    limits = granted;
  }

  boolean isEnded() {
    return ended.get();
  }

  /** Batches that are not answered. */
  Collection<Attempt> inFlight() {
    return inFlight.values();
  }

  /** Sends a batch as soon as the network takes it. */
  void send(Attempt attempt) {
    inFlight.put(attempt.id, attempt);
    outbox.add(() -> inFlight.containsKey(attempt.id) ? attempt.request() : null);
    write();
    if (ended.get()) { // perhaps too late for it to be seen
      failInFlight();
    }
  }

  /** The answer is not needed any more. False if there was one meanwhile. */
  boolean cancel(Attempt attempt) {
    if (!inFlight.remove(attempt.id, attempt)) {
      return false;
    }
    link.release(attempt);
    if (attempt.wasWritten()) {
      CancelBatch cancel = CancelBatch.newBuilder().setId(attempt.id).build();
      outbox.add(() -> ForwardRequest.newBuilder().setCancel(cancel).build());
      write();
    }
    return true;
  }

  /** Writes what waits while the network takes it; whoever comes while another thread writes leaves it to that one. */
  private void write() {
    ClientCallStreamObserver<ForwardRequest> stream = requests;
    if (stream == null || writing.getAndIncrement() != 0) {
      return;
    }
    int seen = 1;
    do {
      while (stream.isReady() && !ended.get()) {
        Supplier<@Nullable ForwardRequest> next = outbox.poll();
        if (next == null) {
          break;
        }
        writeOne(stream, next);
      }
      seen = writing.addAndGet(-seen);
    } while (seen != 0);
  }

  private void writeOne(ClientCallStreamObserver<ForwardRequest> stream, Supplier<@Nullable ForwardRequest> next) {
    try {
      ForwardRequest request = next.get();
      if (request != null) {
        stream.onNext(request);
      }
    } catch (RuntimeException e) { // the call ended between the check and the write, or a defect
      end("a message could not be sent: " + e);
    }
  }

  @Override
  public void onNext(ForwardResponse response) {
    link.counters.received(response.getSerializedSize());
    switch (response.getKindCase()) {
      case WELCOME -> link.welcomed(this, response.getWelcome());
      case RESULT -> {
        Attempt attempt = take(response.getResult().getId());
        if (attempt != null) {
          attempt.answered(response.getResult());
        }
      }
      case REJECTION -> {
        Attempt attempt = take(response.getRejection().getId());
        if (attempt != null) {
          attempt.rejected(response.getRejection());
        }
      }
      case KIND_NOT_SET -> end("it sent an empty message");
    }
  }

  private @Nullable Attempt take(long id) {
    Attempt attempt = inFlight.remove(id);
    link.suspicion.answersAgain();
    if (attempt == null) {
      link.counters.failed(FailureKind.UNUSED);
    } else {
      link.release(attempt);
    }
    return attempt;
  }

  @Override
  public void onError(Throwable failure) {
    boolean refused = switch (Status.fromThrowable(failure).getCode()) {
      case FAILED_PRECONDITION, PERMISSION_DENIED, UNAUTHENTICATED, UNIMPLEMENTED -> true;
      default -> false;
    };
    end(ConnectionReason.of(failure), refused);
  }

  @Override
  public void onCompleted() {
    end("it ended the stream");
  }

  /** Ends the stream from this side, if it has not ended. */
  void end(String reason) {
    end(reason, false);
  }

  private void end(String reason, boolean refused) {
    if (!ended.compareAndSet(false, true)) {
      return;
    }
    endReason = reason;
    failInFlight();
    channel.shutdownNow();
    link.ended(this, reason, refused);
  }

  private void failInFlight() {
    for (Long id : List.copyOf(inFlight.keySet())) {
      Attempt attempt = inFlight.remove(id);
      if (attempt != null) {
        link.release(attempt);
        attempt.broken(endReason, brokeSome.compareAndSet(false, true));
      }
    }
  }
}
