package io.expertmesh.expert;

import io.expertmesh.proto.v1.Assignment;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.RegisterResponse;
import io.expertmesh.proto.v1.RegistryServiceGrpc;
import io.expertmesh.transport.GrpcServer;
import io.expertmesh.transport.Plaintext;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A router that writes down what it hears and assigns what it is told to. */
final class TestRouter extends RegistryServiceGrpc.RegistryServiceImplBase implements AutoCloseable {
  private final BlockingQueue<RegisterRequest> heard = new LinkedBlockingQueue<>();
  private final GrpcServer server;
  private final boolean leads;
  private volatile @Nullable Assignment assignment;
  private volatile @Nullable Boolean inService;
  private volatile String refusal = "";
  volatile boolean drained;
  /** Whether gateways hear of a process that drains. */
  volatile boolean releases = true;

  TestRouter(boolean leads) {
    this.leads = leads;
    this.server = GrpcServer.start("127.0.0.1", 0, Plaintext.LOOPBACK, Runnable::run, List.of(this));
  }

  String endpoint() {
    return server.endpoint();
  }

  void assign(long id, List<Integer> experts) {
    assignment = Assignment.newBuilder().setId(id).addAllExpertIds(experts).build();
  }

  /** What it says of whether gateways call the process; nothing before. */
  void inService(boolean now) {
    inService = now;
  }

  /** What it says of why no gateway uses the process. */
  void refusal(String reason) {
    refusal = reason;
  }

  @Override
  public StreamObserver<RegisterRequest> register(StreamObserver<RegisterResponse> responses) {
    return new StreamObserver<>() {
      @Override
      public void onNext(RegisterRequest request) {
        if (!leads) {
          responses.onError(Status.UNAVAILABLE.withDescription("another router leads").asRuntimeException());
          return;
        }
        heard.add(request);
        RegisterResponse.Builder response = RegisterResponse.newBuilder().setLeaseMillis(120).setRefusal(refusal)
            .setDrained(drained)
            .setReleased(releases && request.getState() == ProcessState.PROCESS_STATE_DRAINING);
        Assignment assigned = assignment;
        if (assigned != null) {
          response.setAssignment(assigned);
        }
        Boolean called = inService;
        if (called != null) {
          response.setInService(called);
        }
        responses.onNext(response.build());
      }

      @Override
      public void onError(Throwable failure) {
        // The process is gone.
      }

      @Override
      public void onCompleted() {
        heard.add(RegisterRequest.getDefaultInstance());
        responses.onCompleted();
      }
    };
  }

  /** The next registration that is as described; those before it are skipped. */
  RegisterRequest hear(Predicate<RegisterRequest> condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    try {
      while (System.nanoTime() < end) {
        RegisterRequest request = heard.poll(1, TimeUnit.SECONDS);
        if (request != null && condition.test(request)) {
          return request;
        }
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("no such registration for 20 s");
  }

  @Override
  public void close() {
    server.close();
  }
}
