package io.expertmesh.router.keda;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.externalscaler.ExternalScalerGrpc;
import io.expertmesh.proto.externalscaler.ExternalScalerGrpc.ExternalScalerStub;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Role;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The router that leads, as the others ask it on KEDA's behalf. */
final class LeadingScaler implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final Supplier<@Nullable String> address;
  private final LinkSecurity security;
  private @Nullable String connectedTo;
  private @Nullable ManagedChannel channel;

  /** @param address host:port of the scaler of the router that leads; null while nobody knows */
  LeadingScaler(Supplier<@Nullable String> address, LinkSecurity security) {
    this.address = address;
    this.security = security;
  }

  /** Asks; {@code answer} hears what comes of it. */
  <A> void ask(BiConsumer<ExternalScalerStub, StreamObserver<A>> question, CompletableFuture<A> answer) {
    ManagedChannel leader = channel();
    if (leader == null) {
      answer.completeExceptionally(new FailureException(FailureCategory.UNAVAILABLE, "No router leads; ask again."));
      return;
    }
    question.accept(ExternalScalerGrpc.newStub(leader).withDeadlineAfter(PATIENCE), new StreamObserver<>() {
      @Override
      public void onNext(A value) {
        answer.complete(value);
      }

      @Override
      public void onError(Throwable failure) {
        answer.completeExceptionally(failure);
      }

      @Override
      public void onCompleted() {
        // The answer has come.
      }
    });
  }

  private synchronized @Nullable ManagedChannel channel() {
    String leader = address.get();
    if (leader != null && !leader.equals(connectedTo)) {
      close();
      channel = Channels.open(leader, Role.ROUTER, security, Runnable::run);
      connectedTo = leader;
    }
    return leader == null ? null : channel;
  }

  @Override
  public synchronized void close() {
    if (channel != null) {
      channel.shutdownNow();
      channel = null;
      connectedTo = null;
    }
  }
}
