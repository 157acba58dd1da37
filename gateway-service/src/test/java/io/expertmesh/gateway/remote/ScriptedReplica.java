package io.expertmesh.gateway.remote;

import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.DescribeRequest;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.proto.v1.ExpertLimits;
import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.Rejection;
import io.expertmesh.proto.v1.RejectionReason;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.Tensor;
import io.expertmesh.proto.v1.Welcome;
import io.expertmesh.transport.Fingerprints;
import io.expertmesh.transport.GrpcServer;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.TensorBytes;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** An expert process that computes with the demo model's experts and does harm as told. */
final class ScriptedReplica implements AutoCloseable {
  /** What happens to a batch. */
  enum Fault {
    NONE, HANG, BREAK, COMPUTE_AND_BREAK, OVERLOADED, FAILED, UNKNOWN_EXPERT, LACKS_FIRST, DRAINING, INVALID, NOT_A_NUMBER, INFINITE, WRONG_SHAPE, TRUNCATED, TWICE, SLOW, EMPTY
  }

  private static final AtomicInteger PROCESSES = new AtomicInteger();

  final String name;
  final String processId;
  final int port;
  final List<Integer> experts;
  final Queue<ExpertBatch> batches = new ConcurrentLinkedQueue<>();
  final Queue<Long> cancelled = new ConcurrentLinkedQueue<>();
  volatile Function<ExpertBatch, Fault> script = batch -> Fault.NONE;
  volatile int slowMillis = 60;
  /** How long it says that a row took it. */
  volatile int microsPerRow;
  volatile boolean answersDescribe = true;
  volatile ExpertLimits limits = ExpertLimits.newBuilder().setMaxRows(4096).setMaxQueuedRows(16384).build();
  volatile ModelFingerprint model = TestExperts.FINGERPRINT;
  volatile @Nullable Status refusal;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledExecutorService later = Executors.newScheduledThreadPool(1);
  private final GrpcServer server;
  ScriptedReplica(String name, List<Integer> experts) {
    this(name, experts, 0);
  }

  ScriptedReplica(String name, List<Integer> experts, int port) {
    this.name = name;
    this.processId = name + "#" + PROCESSES.incrementAndGet();
    this.experts = List.copyOf(experts);
    this.server = GrpcServer.start("127.0.0.1", port, Plaintext.LOOPBACK, threads, List.of(new Service()));
    this.port = server.port();
  }

  /** As the routing table has it. */
  Replica entry() {
    return Replica.newBuilder().setProcessId(processId).setName(name).setEndpoint(server.endpoint())
        .setFingerprint(fingerprint()).addAllExpertIds(experts).setState(ReplicaState.REPLICA_STATE_READY).build();
  }

  private Fingerprint fingerprint() {
    return Fingerprints.toProto(model, experts);
  }

  /** As if the process were killed. */
  @Override
  public void close() {
    server.close();
    threads.close();
    later.shutdownNow();
  }

  private final class Service extends ExpertServiceGrpc.ExpertServiceImplBase {
    @Override
    public void describe(DescribeRequest request, StreamObserver<DescribeResponse> response) {
      if (answersDescribe) {
        response.onNext(DescribeResponse.newBuilder().setProcessId(processId)
            .setState(ProcessState.PROCESS_STATE_READY).setFingerprint(fingerprint()).addAllExpertIds(experts)
            .setLimits(limits).build());
        response.onCompleted();
      }
    }

    @Override
    public StreamObserver<ForwardRequest> forward(StreamObserver<ForwardResponse> response) {
      return new Stream(response);
    }
  }

  private final class Stream implements StreamObserver<ForwardRequest> {
    private final StreamObserver<ForwardResponse> response;

    Stream(StreamObserver<ForwardResponse> response) {
      this.response = response;
    }

    @Override
    public void onNext(ForwardRequest request) {
      switch (request.getKindCase()) {
        case HELLO -> {
          Status refused = refusal;
          if (refused != null) {
            response.onError(refused.asRuntimeException());
          } else {
            send(ForwardResponse.newBuilder()
                .setWelcome(Welcome.newBuilder().setFingerprint(fingerprint()).setLimits(limits)).build());
          }
        }
        case BATCH -> {
          batches.add(request.getBatch());
          play(request.getBatch(), script.apply(request.getBatch()));
        }
        case CANCEL -> cancelled.add(request.getCancel().getId());
        case KIND_NOT_SET -> throw new AssertionError("empty request");
      }
    }

    private void play(ExpertBatch batch, Fault fault) {
      switch (fault) {
        case NONE -> send(result(batch, outputs(batch)));
        case TWICE -> {
          send(result(batch, outputs(batch)));
          send(result(batch, outputs(batch)));
        }
        case HANG -> {
        }
        case BREAK -> fail();
        case COMPUTE_AND_BREAK -> {
          send(result(batch, outputs(batch)));
          fail();
        }
        case OVERLOADED -> reject(batch, RejectionReason.REJECTION_REASON_OVERLOADED);
        case FAILED -> reject(batch, RejectionReason.REJECTION_REASON_FAILED);
        case UNKNOWN_EXPERT -> reject(batch, RejectionReason.REJECTION_REASON_UNKNOWN_EXPERT);
        case LACKS_FIRST -> send(ForwardResponse.newBuilder().setRejection(Rejection.newBuilder().setId(batch.getId())
            .setReason(RejectionReason.REJECTION_REASON_UNKNOWN_EXPERT).setMessage("as scripted: the first is missing")
            .addMissingExpertIds(batch.getExpertIds(0))).build());
        case DRAINING -> reject(batch, RejectionReason.REJECTION_REASON_DRAINING);
        case INVALID -> reject(batch, RejectionReason.REJECTION_REASON_INVALID);
        case NOT_A_NUMBER -> send(result(batch, spoilt(outputs(batch), Float.NaN)));
        case INFINITE -> send(result(batch, spoilt(outputs(batch), Float.NEGATIVE_INFINITY)));
        case WRONG_SHAPE -> {
          Tensor right = outputs(batch);
          send(result(batch, right.toBuilder().setShape(0, right.getShape(0) + 1).build()));
        }
        case TRUNCATED -> {
          Tensor right = outputs(batch);
          send(result(batch, right.toBuilder().setData(right.getData().substring(4)).build()));
        }
        case SLOW -> {
          var _ = later.schedule(() -> send(result(batch, outputs(batch))), slowMillis, TimeUnit.MILLISECONDS);
        }
        case EMPTY -> send(ForwardResponse.getDefaultInstance());
      }
    }

    private Tensor spoilt(Tensor right, float with) {
      int rows = right.getShape(0);
      float[] values = new float[rows * TestExperts.HIDDEN];
      TensorBytes.copyRows(right, 0, rows, TestExperts.HIDDEN, values, 0);
      values[values.length - 1] = with;
      return TensorBytes.pack(all(rows), values, TestExperts.HIDDEN, DType.D_TYPE_F32);
    }

    private Tensor outputs(ExpertBatch batch) {
      int tokens = batch.getHidden().getShape(0);
      float[] hidden = new float[tokens * TestExperts.HIDDEN];
      TensorBytes.unpack(batch.getHidden(), all(tokens), hidden, TestExperts.HIDDEN);
      float[] rows = new float[batch.getTokensCount() * TestExperts.HIDDEN];
      for (int row = 0; row < batch.getTokensCount(); row++) {
        System.arraycopy(hidden, batch.getTokens(row) * TestExperts.HIDDEN, rows, row * TestExperts.HIDDEN,
            TestExperts.HIDDEN);
      }
      int[] starts = batch.getStartsList().stream().mapToInt(Integer::intValue).toArray();
      if (!experts.containsAll(batch.getExpertIdsList())) {
        throw new AssertionError(name + " does not hold all of " + batch.getExpertIdsList());
      }
      float[] outputs = TestExperts.compute(batch.getLayer(), batch.getExpertIdsList(), starts, rows);
      return TensorBytes.pack(all(batch.getTokensCount()), outputs, TestExperts.HIDDEN, DType.D_TYPE_F32);
    }

    private static int[] all(int rows) {
      int[] all = new int[rows];
      for (int i = 0; i < rows; i++) {
        all[i] = i;
      }
      return all;
    }

    private ForwardResponse result(ExpertBatch batch, Tensor outputs) {
      int rows = batch.getTokensCount();
      return ForwardResponse.newBuilder().setResult(ExpertResult.newBuilder().setId(batch.getId()).setOutputs(outputs)
          .setComputeMicros((long) rows * microsPerRow).setComputedRows(rows)).build();
    }

    private void reject(ExpertBatch batch, RejectionReason reason) {
      send(ForwardResponse.newBuilder().setRejection(Rejection.newBuilder().setId(batch.getId()).setReason(reason)
          .setMessage("as scripted: " + reason)).build());
    }

    private synchronized void send(ForwardResponse message) {
      try {
        response.onNext(message);
      } catch (RuntimeException gone) {
        // The gateway left, or the stream was broken by another batch.
      }
    }

    private synchronized void fail() {
      try {
        response.onError(Status.UNAVAILABLE.withDescription("as scripted").asRuntimeException());
      } catch (RuntimeException gone) {
        // It is broken already.
      }
    }

    @Override
    public void onError(Throwable failure) {
      // The gateway went away.
    }

    @Override
    public void onCompleted() {
      response.onCompleted();
    }
  }
}
