package io.expertmesh.gateway.trace;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import org.jspecify.annotations.Nullable;

/** A span for every gRPC call, within the client's trace if it sends one. Before all that a call meets. */
public final class CallSpans implements ServerInterceptor {
  private final Traces traces;

  public CallSpans(Traces traces) {
    this.traces = traces;
  }

  @Override
  public <Q, S> ServerCall.Listener<Q> interceptCall(ServerCall<Q, S> call, Metadata headers,
      ServerCallHandler<Q, S> next) {
    MethodDescriptor<Q, S> method = call.getMethodDescriptor();
    Context client = traces.telemetry().propagator().extract(Context.root(), headers, Headers.INSTANCE);
    Span span = traces.telemetry().tracer().spanBuilder(method.getFullMethodName()).setParent(client)
        .setSpanKind(SpanKind.SERVER)
        .setAttribute(AttributeNames.RPC_SYSTEM, "grpc")
        .setAttribute(AttributeNames.RPC_SERVICE, String.valueOf(method.getServiceName()))
        .setAttribute(AttributeNames.RPC_METHOD, String.valueOf(method.getBareMethodName()))
        .startSpan();
    Context context = client.with(span);
    try (Scope _ = context.makeCurrent()) {
      return new TracedListener<>(next.startCall(new TracedCall<>(call, span), headers), context);
    }
  }

  private static final class TracedCall<Q, S> extends SimpleForwardingServerCall<Q, S> {
    private final Span span;

    TracedCall(ServerCall<Q, S> call, Span span) {
      super(call);
      this.span = span;
    }

    @Override
    public void close(Status status, Metadata trailers) {
      end(span, status);
      super.close(status, trailers);
    }
  }

  private static void end(Span span, Status status) {
    span.setAttribute(AttributeNames.RPC_STATUS, (long) status.getCode().value());
    switch (status.getCode()) {
      case UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS ->
        span.setAttribute(AttributeNames.ERROR_TYPE, status.getCode().name()).setStatus(StatusCode.ERROR);
      default -> {
      }
    }
    span.end();
  }

  /** Runs the method, which begins when the client has sent everything, within the span. */
  private static final class TracedListener<Q> extends SimpleForwardingServerCallListener<Q> {
    private final Context context;

    TracedListener(ServerCall.Listener<Q> listener, Context context) {
      super(listener);
      this.context = context;
    }

    @Override
    public void onHalfClose() {
      try (Scope _ = context.makeCurrent()) {
        super.onHalfClose();
      }
    }

    @Override
    public void onCancel() {
      super.onCancel();
      end(Span.fromContext(context), Status.CANCELLED);
    }
  }

  private enum Headers implements TextMapGetter<Metadata> {
    INSTANCE;

    @Override
    public Iterable<String> keys(Metadata headers) {
      return headers.keys();
    }

    @Override
    public @Nullable String get(@Nullable Metadata headers, String name) {
      return headers == null ? null : headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
    }
  }
}
