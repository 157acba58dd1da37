package io.expertmesh.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.expertmesh.proto.v1.Tensor;
import io.grpc.KnownLength;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The method with one copy and the generated one are the same on the wire. */
class ForwardMethodTest {
  private static final Tensor TENSOR = TensorBytes.pack(new int[]{1, 0, 300}, pattern(301 * 512), 512,
      DType.D_TYPE_F32);

  @Test
  void bothSidesUnderstandTheGeneratedMethod() throws InterruptedException {
    try (GrpcServer fast = server(true); GrpcServer generated = server(false)) {
      for (GrpcServer server : List.of(fast, generated)) {
        ManagedChannel channel = Channels.open(server.endpoint(), Role.EXPERT, Plaintext.LOOPBACK, Runnable::run);
        try {
          Answers toFast = new Answers();
          send(ForwardMethod.call(channel, toFast));
          assertThat(toFast.next()).isEqualTo(answer());
          Answers toGenerated = new Answers();
          send(ExpertServiceGrpc.newStub(channel).forward(toGenerated));
          assertThat(toGenerated.next()).isEqualTo(answer());
        } finally {
          channel.shutdownNow();
        }
      }
    }
  }

  @Test
  void refusesWhatIsNoMessage() {
    var marshaller = ForwardMethod.requests();
    byte[] cut = request().toByteArray();
    assertThat(marshaller.parse(new Known(cut, cut.length))).isEqualTo(request());
    assertThatThrownBy(() -> marshaller.parse(new Known(cut, cut.length - 1)))
        .isInstanceOfSatisfying(StatusRuntimeException.class,
            refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL));
  }

  private static void send(StreamObserver<ForwardRequest> requests) {
    requests.onNext(request());
    requests.onCompleted();
  }

  private static ForwardRequest request() {
    return ForwardRequest.newBuilder().setBatch(ExpertBatch.newBuilder().setId(7).setHidden(TENSOR)).build();
  }

  private static ForwardResponse answer() {
    return ForwardResponse.newBuilder().setResult(ExpertResult.newBuilder().setId(7).setOutputs(TENSOR)).build();
  }

  private static float[] pattern(int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = i * 0.25f - 3;
    }
    return values;
  }

  private static GrpcServer server(boolean fast) {
    var echo = new ExpertServiceGrpc.ExpertServiceImplBase() {
      @Override
      public StreamObserver<ForwardRequest> forward(StreamObserver<ForwardResponse> responses) {
        return new StreamObserver<>() {
          @Override
          public void onNext(ForwardRequest request) {
            responses.onNext(ForwardResponse.newBuilder().setResult(ExpertResult.newBuilder()
                .setId(request.getBatch().getId()).setOutputs(request.getBatch().getHidden())).build());
          }

          @Override
          public void onError(Throwable failure) {}

          @Override
          public void onCompleted() {
            responses.onCompleted();
          }
        };
      }
    };
    return GrpcServer.start("127.0.0.1", 0, Plaintext.LOOPBACK, Runnable::run,
        List.of(fast ? ForwardMethod.serve(echo) : echo));
  }

  /** What came, in order. */
  private static final class Answers implements StreamObserver<ForwardResponse> {
    private final BlockingQueue<Object> all = new LinkedBlockingQueue<>();

    Object next() throws InterruptedException {
      Object next = all.poll(10, TimeUnit.SECONDS);
      return next == null ? "nothing came" : next;
    }

    @Override
    public void onNext(ForwardResponse response) {
      all.add(response);
    }

    @Override
    public void onError(Throwable failure) {
      all.add(failure);
    }

    @Override
    public void onCompleted() {}
  }

  /** As the network hands messages over. */
  private static final class Known extends ByteArrayInputStream implements KnownLength {
    Known(byte[] bytes, int length) {
      super(bytes, 0, length);
    }
  }
}
