package io.expertmesh.expert.grpc;

import io.expertmesh.expert.compute.Batch;
import io.expertmesh.expert.compute.BatchOwner;
import io.expertmesh.expert.compute.BatchReader;
import io.expertmesh.expert.compute.BatchRejectedException;
import io.expertmesh.expert.compute.ExpertMetrics.Drop;
import io.expertmesh.expert.compute.ExpertProcess;
import io.expertmesh.expert.trace.BatchSpan;
import io.expertmesh.expert.trace.BatchSpans;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.expertmesh.proto.v1.Hello;
import io.expertmesh.proto.v1.Rejection;
import io.expertmesh.proto.v1.RejectionReason;
import io.expertmesh.proto.v1.Welcome;
import io.expertmesh.transport.Fingerprints;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One gateway's stream. The next message is asked for only while the queue has room and the gateway reads its results,
 * so that a gateway that sends too much is held up by HTTP/2 instead of filling this process's memory.
 */
final class ForwardStream implements StreamObserver<ForwardRequest>, BatchOwner {
  private static final Logger log = LoggerFactory.getLogger(ForwardStream.class);
  private static final int MAX_NAME = 100;

  private final ExpertProcess process;
  private final BatchReader reader;
  private final ServerCallStreamObserver<ForwardResponse> out;
  private final Consumer<ForwardStream> onEnd;
  private final Map<Long, Batch> unanswered = new HashMap<>();
  private final BatchSpans spans;
  /** Of the unanswered batches that are traced. */
  private final Map<Long, BatchSpan> traced = new HashMap<>();
  /** Answers that the network does not take yet. */
  private final Deque<ForwardResponse> unsent = new ArrayDeque<>();
  private long unsentSinceNanos;
  private String gateway = "a gateway";
  private @Nullable DType resultType;
  private boolean wantsMessage;
  private boolean halfClosed;
  private boolean ended;

  ForwardStream(ExpertProcess process, BatchReader reader, BatchSpans spans,
      ServerCallStreamObserver<ForwardResponse> out, Consumer<ForwardStream> onEnd) {
    this.process = process;
    this.reader = reader;
    this.spans = spans;
    this.out = out;
    this.onEnd = onEnd;
  }

  void start() {
    out.disableAutoRequest();
    out.setOnReadyHandler(this::sendWaiting);
    out.setOnCancelHandler(this::cancelled);
    out.request(1);
  }

  @Override
  public synchronized void onNext(ForwardRequest request) {
    if (ended) {
      return;
    }
    switch (request.getKindCase()) {
      case HELLO -> hello(request.getHello());
      case BATCH -> batch(request.getBatch());
      case CANCEL -> {
        Batch batch = unanswered.get(request.getCancel().getId());
        if (batch != null && process.queue().remove(batch)) {
          unanswered.remove(batch.id());
          forget(batch.id());
        }
      }
      case KIND_NOT_SET -> violation("a message is neither hello, batch nor cancel");
    }
    requestNext();
  }

  private void hello(Hello hello) {
    if (resultType != null) {
      violation("hello may be said once, and first");
      return;
    }
    gateway = printable(hello.getGateway());
    if (!process.isReady()) {
      end(Status.UNAVAILABLE.withDescription(switch (process.state()) {
        case PROCESS_STATE_DRAINING -> "the process is about to stop";
        case PROCESS_STATE_FAILED -> process.failure();
        default -> "the process is loading";
      }));
      return;
    }
    if (hello.getWireDtype() != DType.D_TYPE_F32 && hello.getWireDtype() != DType.D_TYPE_BF16) {
      violation("wire_dtype is %d, neither F32 nor BF16".formatted(hello.getWireDtypeValue()));
      return;
    }
    Optional<String> difference = difference(hello.getFingerprint());
    if (difference.isPresent()) {
      log.warn("Refused {}: {}", gateway, difference.get());
      process.metrics().dropped(Drop.FINGERPRINT);
      end(Status.FAILED_PRECONDITION.withDescription("this process serves another model: " + difference.get()));
      return;
    }
    resultType = hello.getWireDtype();
    log.info("{} calls", gateway);
    send(ForwardResponse.newBuilder().setWelcome(Welcome.newBuilder()
        .setFingerprint(process.fingerprint(process.holding().ids())).setLimits(process.protoLimits())).build());
  }

  private Optional<String> difference(Fingerprint theirs) {
    Fingerprint mine = process.wholeFingerprint();
    Optional<String> difference = Fingerprints.mismatch(mine, theirs, theirs.getNumerics().equals("exact"));
    for (int id : theirs.getExpertDigestsMap().keySet()) {
      if (difference.isEmpty()) {
        difference = Fingerprints.expertMismatch(mine, theirs, id);
      }
    }
    return difference;
  }

  private void batch(ExpertBatch message) {
    if (resultType == null) {
      violation("the first message must be hello");
      return;
    }
    long id = message.getId();
    if (unanswered.containsKey(id)) {
      // Not a rejection: the gateway would take it for the answer to the other one.
      violation("batch %s is not answered yet, and another has its id".formatted(Long.toUnsignedString(id)));
      return;
    }
    BatchSpan span = spans.begin(message, gateway, process.holding()::toString);
    if (span != null) {
      traced.put(id, span);
    }
    try {
      Batch batch = reader.read(message, this, resultType, System.nanoTime());
      unanswered.put(id, batch);
      process.queue().offer(batch);
    } catch (BatchRejectedException rejected) {
      unanswered.remove(id);
      reject(rejection(id, rejected.reason(), rejected.what()).addAllMissingExpertIds(rejected.missing()).build());
    }
  }

  private static Rejection.Builder rejection(long id, RejectionReason reason, String message) {
    return Rejection.newBuilder().setId(id).setReason(reason).setMessage(message);
  }

  private void forget(long id) {
    BatchSpan span = traced.remove(id);
    if (span != null) {
      span.cancelled();
    }
  }

  private void reject(Rejection rejection) {
    BatchSpan span = traced.remove(rejection.getId());
    if (span != null) {
      span.rejected(rejection.getReason(), rejection.getMessage());
    }
    process.metrics().rejected(rejection.getReason());
    send(ForwardResponse.newBuilder().setRejection(rejection).build());
  }

  @Override
  public synchronized void computed(Batch batch, ExpertResult result) {
    if (unanswered.remove(batch.id(), batch)) {
      BatchSpan span = traced.remove(batch.id());
      if (span != null) {
        span.computed(result);
      }
      send(ForwardResponse.newBuilder().setResult(result).build());
      completeIfDone();
    }
  }

  @Override
  public synchronized void rejected(Batch batch, RejectionReason reason, String message) {
    if (unanswered.remove(batch.id(), batch)) {
      reject(rejection(batch.id(), reason, message).build());
      completeIfDone();
    }
  }

  private void send(ForwardResponse response) {
    if (ended) {
      return;
    }
    if (unsent.isEmpty() && out.isReady()) {
      out.onNext(response);
    } else {
      if (unsent.isEmpty()) {
        unsentSinceNanos = System.nanoTime();
      }
      unsent.add(response);
    }
  }

  private synchronized void sendWaiting() {
    while (!ended && !unsent.isEmpty() && out.isReady()) {
      out.onNext(unsent.remove());
      unsentSinceNanos = System.nanoTime();
    }
    if (wantsMessage) {
      requestNext();
    }
    completeIfDone();
  }

  /** Lets the gateway send one more message, now or when there is room. */
  private synchronized void requestNext() {
    wantsMessage = !ended && !unsent.isEmpty();
    if (!ended && !wantsMessage && process.queue().hasRoomOr(this::requestNext)) {
      out.request(1);
    }
  }

  private void completeIfDone() {
    if (halfClosed && !ended && unanswered.isEmpty() && unsent.isEmpty()) {
      leave();
      out.onCompleted();
    }
  }

  @Override
  public synchronized void onCompleted() {
    halfClosed = true;
    completeIfDone();
  }

  @Override
  public void onError(Throwable broken) {
    cancelled();
  }

  private synchronized void cancelled() {
    if (!ended) {
      leave();
    }
  }

  private void violation(String message) {
    log.warn("Ended the stream of {}: {}", gateway, message);
    process.metrics().dropped(Drop.PROTOCOL);
    end(Status.INVALID_ARGUMENT.withDescription(message));
  }

  void dropIfUnread(long now, Duration timeout) {
    synchronized (this) {
      if (ended || unsent.isEmpty() || now - unsentSinceNanos < timeout.toNanos()) {
        return;
      }
      String message = "%d answers were not read for %d ms".formatted(unsent.size(), timeout.toMillis());
      log.warn("Ended the stream of {}: {}", gateway, message);
      process.metrics().dropped(Drop.UNREAD);
      end(Status.RESOURCE_EXHAUSTED.withDescription(message));
    }
  }

  synchronized boolean isEverythingSent() {
    return ended || unsent.isEmpty();
  }

  synchronized void end(Status why) {
    if (!ended) {
      leave();
      out.onError(why.asRuntimeException());
    }
  }

  private void leave() {
    ended = true;
    process.queue().removeAll(this);
    unanswered.clear();
    List.copyOf(traced.keySet()).forEach(this::forget);
    unsent.clear();
    onEnd.accept(this);
  }

  /** For logs: without what could break a line. */
  private static String printable(String name) {
    String visible = name.replaceAll("[^\\p{Graph} ]", "?");
    return "gateway " + (visible.length() <= MAX_NAME ? visible : visible.substring(0, MAX_NAME));
  }
}
