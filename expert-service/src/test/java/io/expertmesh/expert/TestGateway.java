package io.expertmesh.expert;

import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.ForwardRequest;
import io.expertmesh.proto.v1.ForwardResponse;
import io.expertmesh.proto.v1.Hello;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.Fingerprints;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.expertmesh.transport.TensorBytes;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** A gateway's side of one stream. */
final class TestGateway implements StreamObserver<ForwardResponse>, AutoCloseable {
  static final Fingerprint DEMO = Fingerprints.toProto(
      ModelFingerprint.of(TestBatch.MODEL, KernelSelection.kernels().numerics(), Numerics.EXACT, null), List.of(1, 2));

  final ManagedChannel channel;
  final StreamObserver<ForwardRequest> requests;
  private final BlockingQueue<Object> responses = new LinkedBlockingQueue<>();

  private TestGateway(String endpoint) {
    channel = Channels.open(endpoint, Role.EXPERT, Plaintext.LOOPBACK, Runnable::run);
    requests = ExpertServiceGrpc.newStub(channel).forward(this);
  }

  /** Without a hello. */
  static TestGateway open(String endpoint) {
    return new TestGateway(endpoint);
  }

  /** Welcomed. */
  static TestGateway welcomed(String endpoint) {
    return welcomed(endpoint, DType.D_TYPE_F32);
  }

  static TestGateway welcomed(String endpoint, DType dtype) {
    TestGateway gateway = open(endpoint);
    gateway.hello(DEMO, dtype);
    if (!gateway.next().hasWelcome()) {
      throw new AssertionError("no welcome");
    }
    return gateway;
  }

  void hello(Fingerprint fingerprint, DType dtype) {
    requests.onNext(ForwardRequest.newBuilder().setHello(Hello.newBuilder().setGateway("test")
        .setFingerprint(fingerprint).setWireDtype(dtype)).build());
  }

  void send(ExpertBatch batch) {
    requests.onNext(ForwardRequest.newBuilder().setBatch(batch).build());
  }

  /** The next message, or the status with which the stream ended. */
  Object take() {
    try {
      Object response = responses.poll(20, TimeUnit.SECONDS);
      if (response == null) {
        throw new AssertionError("nothing came for 20 s");
      }
      return response;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** The next message. */
  ForwardResponse next() {
    if (take() instanceof ForwardResponse response) {
      return response;
    }
    throw new AssertionError("the stream ended");
  }

  /** How the stream ended; messages before that are skipped. */
  Status end() {
    while (true) {
      if (take() instanceof Status status) {
        return status;
      }
    }
  }

  /** The floats of a result. */
  static float[] outputs(ForwardResponse response) {
    if (!response.hasResult()) {
      throw new AssertionError("not a result: " + response);
    }
    var tensor = response.getResult().getOutputs();
    float[] values = new float[tensor.getShape(0) * tensor.getShape(1)];
    TensorBytes.unpack(tensor, IntStream.range(0, tensor.getShape(0)).toArray(), values, tensor.getShape(1));
    return values;
  }

  @Override
  public void onNext(ForwardResponse response) {
    responses.add(response);
  }

  @Override
  public void onError(Throwable failure) {
    responses.add(Status.fromThrowable(failure));
  }

  @Override
  public void onCompleted() {
    responses.add(Status.OK);
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
