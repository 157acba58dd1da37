package io.expertmesh.gateway.grpc;

import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.RequestIdFilter;
import io.expertmesh.gateway.metrics.ServingMetrics;
import io.expertmesh.gateway.security.Caller;
import io.expertmesh.gateway.security.Callers;
import io.expertmesh.gateway.trace.Traces;
import io.expertmesh.proto.v1.InferenceServiceGrpc;
import io.expertmesh.telemetry.LogFields;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * What every call meets first: it gets an id (metadata {@code x-request-id}), needs a key where keys are configured,
 * is held to the key's budget, and is counted when it ends.
 */
public final class CallEntrance implements ServerInterceptor {
  private static final Logger log = LoggerFactory.getLogger("io.expertmesh.gateway.requests");
  private static final Metadata.Key<String> REQUEST_ID = Metadata.Key.of("x-request-id",
      Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization",
      Metadata.ASCII_STRING_MARSHALLER);
  static final Context.Key<String> ID = Context.key("request id");
  private static final Context.Key<Caller> CALLER = Context.key("caller");

  private final Callers callers;
  private final ServingMetrics metrics;

  public CallEntrance(Callers callers, ServingMetrics metrics) {
    this.callers = callers;
    this.metrics = metrics;
  }

  /** The id of the call that this thread works for. */
  static String requestId() {
    return Objects.requireNonNull(ID.get(), "only calls that came through the entrance are served");
  }

  /** Who sent the call that this thread works for; null where no keys are configured. */
  static @Nullable Caller caller() {
    return CALLER.get();
  }

  @Override
  public <Q, S> ServerCall.Listener<Q> interceptCall(ServerCall<Q, S> call, Metadata headers,
      ServerCallHandler<Q, S> next) {
    String id = RequestIdFilter.choose(headers.get(REQUEST_ID));
    Traces.tellId(id);
    ServerCall<Q, S> observed = new ObservedCall<>(call, id);
    try (var _ = MDC.putCloseable(LogFields.REQUEST_ID, id)) {
      Caller caller = callers.authenticate(headers.get(AUTHORIZATION));
      if (caller != null && call.getMethodDescriptor() != InferenceServiceGrpc.getListModelsMethod()) {
        caller.useRequest();
      }
      Context context = Context.current().withValues(ID, id, CALLER, caller);
      return new IdentifiedListener<>(Contexts.interceptCall(context, observed, headers, next), id);
    } catch (ApiException refused) {
      StatusRuntimeException status = GrpcErrors.of(refused);
      Metadata trailers = Objects.requireNonNullElseGet(status.getTrailers(), Metadata::new);
      observed.close(status.getStatus(), trailers);
      return new ServerCall.Listener<>() {};
    }
  }

  /** Runs the method, which begins when the client has sent everything, with the id in its log lines. */
  private static final class IdentifiedListener<Q> extends SimpleForwardingServerCallListener<Q> {
    private final String id;

    IdentifiedListener(ServerCall.Listener<Q> listener, String id) {
      super(listener);
      this.id = id;
    }

    @Override
    public void onHalfClose() {
      try (var _ = MDC.putCloseable(LogFields.REQUEST_ID, id)) {
        super.onHalfClose();
      }
    }
  }

  /** Tells the client the call's id, and counts the call at its end. */
  private final class ObservedCall<Q, S> extends SimpleForwardingServerCall<Q, S> {
    private final String id;
    private final long start = System.nanoTime();

    ObservedCall(ServerCall<Q, S> call, String id) {
      super(call);
      this.id = id;
    }

    @Override
    public void sendHeaders(Metadata headers) {
      headers.put(REQUEST_ID, id);
      super.sendHeaders(headers);
    }

    @Override
    public void close(Status status, Metadata trailers) {
      long nanos = System.nanoTime() - start;
      String method = getMethodDescriptor().getFullMethodName();
      metrics.request(method, status.getCode().name(), nanos);
      try (var _ = MDC.putCloseable(LogFields.REQUEST_ID, id)) {
        log.debug("gRPC {} {} in {} ms", method, status.getCode(), nanos / 1_000_000);
      }
      super.close(status, trailers);
    }
  }
}
