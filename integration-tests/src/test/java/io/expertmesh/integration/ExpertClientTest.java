package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.expertmesh.expert.ExpertConfiguration;
import io.expertmesh.expert.ExpertIds;
import io.expertmesh.expert.ExpertServer;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.DescribeRequest;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.expertmesh.proto.v1.Hello;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.Tensor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What somebody who has nothing but the protocol can do with an expert process. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExpertClientTest {
  private static final int HIDDEN = 192;

  private final ExpertServer expert = ExpertServer.start(ExpertConfiguration.of("expert-0", ExpertIds.parse("2,5")),
      Checkpoint.open(Path.of("../models/demo")));
  private final ManagedChannel channel = Grpc.newChannelBuilder(expert.grpcEndpoint(),
      InsecureChannelCredentials.create()).build();

  @AfterAll
  void stop() {
    channel.shutdownNow();
    expert.close();
  }

  @Test
  void servicesAreListedByReflection() {
    assertThat(Reflection.services(channel)).contains("expertmesh.v1.ExpertService", "grpc.health.v1.Health");
  }

  @Test
  void anExpertIsDescribedAndRun() throws Exception {
    DescribeResponse described = ExpertServiceGrpc.newBlockingStub(channel).withWaitForReady()
        .withDeadlineAfter(20, TimeUnit.SECONDS).describe(DescribeRequest.getDefaultInstance());
    assertThat(described.getState()).isEqualTo(ProcessState.PROCESS_STATE_READY);
    assertThat(described.getExpertIdsList()).containsExactly(2, 5);

    BlockingQueue<ForwardResponse> responses = new LinkedBlockingQueue<>();
    StreamObserver<ForwardRequest> requests = ExpertServiceGrpc.newStub(channel).forward(new Collector(responses));
    requests.onNext(ForwardRequest.newBuilder().setHello(Hello.newBuilder().setGateway("somebody")
        .setFingerprint(described.getFingerprint()).setWireDtype(DType.D_TYPE_F32)).build());
    assertThat(next(responses).hasWelcome()).isTrue();
    requests.onNext(ForwardRequest.newBuilder().setBatch(ExpertBatch.newBuilder().setId(1).setLayer(3)
        .setHidden(oneToken()).addExpertIds(5).addStarts(0).addStarts(1).addTokens(0)).build());
    Tensor outputs = next(responses).getResult().getOutputs();
    requests.onCompleted();

    assertThat(outputs.getShapeList()).containsExactly(1, HIDDEN);
    ByteBuffer values = outputs.getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    float sum = 0;
    while (values.hasRemaining()) {
      sum += Math.abs(values.getFloat());
    }
    assertThat(sum).isFinite().isPositive();
  }

  private static Tensor oneToken() {
    ByteBuffer hidden = ByteBuffer.allocate(HIDDEN * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < HIDDEN; i++) {
      hidden.putFloat((float) Math.sin(i));
    }
    return Tensor.newBuilder().setDtype(DType.D_TYPE_F32).addShape(1).addShape(HIDDEN)
        .setData(ByteString.copyFrom(hidden.flip())).build();
  }

  private static ForwardResponse next(BlockingQueue<ForwardResponse> responses) throws InterruptedException {
    ForwardResponse response = responses.poll(20, TimeUnit.SECONDS);
    assertThat(response).isNotNull();
    return response;
  }

  private record Collector(BlockingQueue<ForwardResponse> responses) implements StreamObserver<ForwardResponse> {
    @Override
    public void onNext(ForwardResponse response) {
      responses.add(response);
    }

    @Override
    public void onError(Throwable failure) {
      throw new AssertionError(failure);
    }

    @Override
    public void onCompleted() {}
  }
}
