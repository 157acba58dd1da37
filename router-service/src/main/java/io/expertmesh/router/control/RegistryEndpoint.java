package io.expertmesh.router.control;

import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.RegisterResponse;
import io.expertmesh.proto.v1.RegistryServiceGrpc.RegistryServiceImplBase;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.expertmesh.proto.v1.WatchRoutingTableResponse;
import io.expertmesh.router.registry.ProcessLink;
import io.expertmesh.router.table.WatcherLink;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** The streams of processes and gateways. A stream's next message is read when the one before it was dealt with. */
public final class RegistryEndpoint extends RegistryServiceImplBase {
  private final ControlSession control;

  public RegistryEndpoint(ControlSession control) {
    this.control = control;
  }

  /** A stream that is written and ended by the event loop alone. */
  abstract static class Link<T> {
    final ServerCallStreamObserver<T> stream;
    private boolean ended;

    Link(StreamObserver<T> responses) {
      stream = (ServerCallStreamObserver<T>) responses;
      stream.disableAutoRequest();
      stream.request(1);
    }

    /** Whether what still comes in is of no use. */
    boolean hasEnded() {
      return ended;
    }

    public boolean isReady() {
      return !ended && stream.isReady();
    }

    public void send(T message) {
      if (!ended && !stream.isCancelled() && stream.isReady()) {
        stream.onNext(message);
      }
    }

    public void close(Status why) {
      if (!ended && !stream.isCancelled()) {
        stream.onError(why.asRuntimeException());
      }
      ended = true;
    }

    void complete() {
      if (!ended && !stream.isCancelled()) {
        stream.onCompleted();
      }
      ended = true;
    }
  }

  private static final class RegisteredProcess extends Link<RegisterResponse> implements ProcessLink {
    RegisteredProcess(StreamObserver<RegisterResponse> responses) {
      super(responses);
    }
  }

  private static final class Gateway extends Link<WatchRoutingTableResponse> implements WatcherLink {
    Gateway(StreamObserver<WatchRoutingTableResponse> responses) {
      super(responses);
    }
  }

  @Override
  public StreamObserver<RegisterRequest> register(StreamObserver<RegisterResponse> responses) {
    RegisteredProcess link = new RegisteredProcess(responses);
    return incoming(link, (plane, request) -> plane.register(link, request), plane -> plane.disconnected(link));
  }

  @Override
  public StreamObserver<WatchRoutingTableRequest> watchRoutingTable(
      StreamObserver<WatchRoutingTableResponse> responses) {
    Gateway link = new Gateway(responses);
    link.stream.setOnReadyHandler(() -> control.execute(plane -> {
      if (plane != null) {
        plane.ready(link);
      }
    }));
    return incoming(link, (plane, request) -> plane.watch(link, request), plane -> plane.disconnected(link));
  }

  /** Hands each message over to the control plane, if this router leads, and then the end of the stream. */
  private <Q> StreamObserver<Q> incoming(Link<?> link, BiConsumer<ControlPlane, Q> message,
      Consumer<ControlPlane> disconnected) {
    Runnable gone = () -> control.execute(plane -> {
      if (plane != null) {
        disconnected.accept(plane);
      }
      link.complete();
    });
    link.stream.setOnCancelHandler(gone);
    return new StreamObserver<>() {
      @Override
      public void onNext(Q request) {
        control.execute(plane -> {
          if (plane == null) {
            link.close(ControlSession.notLeading());
          } else if (!link.hasEnded()) {
            message.accept(plane, request);
          }
          link.stream.request(1);
        });
      }

      @Override
      public void onError(Throwable broken) {
        gone.run();
      }

      @Override
      public void onCompleted() {
        gone.run();
      }
    };
  }
}
