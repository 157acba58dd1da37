package io.expertmesh.gateway.trace;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.telemetry.LogFields;
import io.expertmesh.telemetry.Telemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.util.function.Supplier;
import org.slf4j.MDC;

/** Makes spans within that of the request that the calling thread works for; none if that is not sampled. */
public final class Traces {
  private final Telemetry telemetry;
  private final int layerSteps;

  /**
   * @param layerSteps of the steps of a sampled request, one in so many has spans for itself and its layers
   */
  public Traces(Telemetry telemetry, int layerSteps) {
    this.telemetry = telemetry;
    this.layerSteps = layerSteps;
  }

  /** Whether there may be spans. */
  public boolean on() {
    return telemetry.isOn();
  }

  Telemetry telemetry() {
    return telemetry;
  }

  /** Reads a request, its prompt through template and tokenizer, in a span. */
  public <T> T prompt(Supplier<T> reading) {
    if (!isSampled()) {
      return reading.get();
    }
    Span span = telemetry.tracer().spanBuilder("prompt").startSpan();
    try (Scope _ = span.makeCurrent()) {
      return reading.get();
    } catch (RuntimeException refused) {
      span.setStatus(StatusCode.ERROR);
      throw refused;
    } finally {
      span.end();
    }
  }

  /** The request, watched if it is sampled. Its first span, the wait in the queue, begins now. */
  public GenerationRequest watched(GenerationRequest request) {
    return isSampled()
        ? request.watched(new RequestSpans(telemetry.tracer(), Context.current(), layerSteps))
        : request;
  }

  /** Says in the span of this thread's request under which id the client and the logs know it. */
  public static void tellId(String requestId) {
    Span.current().setAttribute(AttributeNames.REQUEST_ID, requestId);
  }

  /** Lets this thread's log lines name the trace, if there is one to look at, until it is closed. */
  public static MDC.MDCCloseable identified(Context context) {
    SpanContext span = Span.fromContext(context).getSpanContext();
    return MDC.putCloseable(LogFields.TRACE_ID, span.isSampled() ? span.getTraceId() : null);
  }

  private boolean isSampled() {
    return telemetry.isOn() && Span.current().isRecording();
  }
}
