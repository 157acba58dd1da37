package io.expertmesh.router;

import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.RegisterResponse;
import io.expertmesh.proto.v1.RegistryServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** An expert process as the router sees it. Fulfils an assignment only when a test says so. */
final class FakeProcess implements ClientResponseObserver<RegisterRequest, RegisterResponse> {
  private @Nullable ClientCallStreamObserver<RegisterRequest> stream;
  private final CompletableFuture<Status> end = new CompletableFuture<>();
  private volatile RegisterRequest says;
  private volatile RegisterResponse heard = RegisterResponse.getDefaultInstance();
  private volatile int answers;

  FakeProcess(ManagedChannel channel, RegisterRequest registration) {
    says = registration;
    RegistryServiceGrpc.newStub(channel).register(this);
    renew();
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<RegisterRequest> requests) {
    stream = requests;
  }

  private ClientCallStreamObserver<RegisterRequest> stream() {
    ClientCallStreamObserver<RegisterRequest> open = stream;
    if (open == null) {
      throw new IllegalStateException("the stream has not begun");
    }
    return open;
  }

  void renew() {
    stream().onNext(says);
  }

  void say(RegisterRequest now) {
    says = now;
    renew();
  }

  RegisterRequest says() {
    return says;
  }

  /** Says that it holds what the last assignment asks for. */
  void fulfil() {
    say(says.toBuilder().clearExpertIds().addAllExpertIds(heard.getAssignment().getExpertIdsList())
        .setAssignmentId(heard.getAssignment().getId()).build());
  }

  /** What the router said last. */
  RegisterResponse heard() {
    return heard;
  }

  int answers() {
    return answers;
  }

  /** Breaks the connection's stream, as a process does that dies. */
  void kill() {
    stream().cancel("killed", null);
  }

  /** How the router ended the stream. */
  Status awaitEnd() throws InterruptedException, ExecutionException, TimeoutException {
    return end.get(10, TimeUnit.SECONDS);
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate")
  public void onNext(RegisterResponse response) {
    heard = response;
    answers++;
  }

  @Override
  public void onError(Throwable failure) {
    end.complete(Status.fromThrowable(failure));
  }

  @Override
  public void onCompleted() {
    end.complete(Status.OK);
  }
}
