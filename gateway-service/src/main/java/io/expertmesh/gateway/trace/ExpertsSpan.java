package io.expertmesh.gateway.trace;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;

/**
 * The experts of one layer in other processes, all batches together: who was asked, who answered. The processes' own
 * spans, one for each batch, are its children.
 */
public final class ExpertsSpan {
  private final Span span;
  private final String traceparent;

  ExpertsSpan(Tracer tracer, Context layer, int number, int rows, int experts) {
    this.span = tracer.spanBuilder("experts").setParent(layer).setSpanKind(SpanKind.CLIENT)
        .setAttribute(AttributeNames.LAYER, (long) number)
        .setAttribute(AttributeNames.ROWS, (long) rows)
        .setAttribute(AttributeNames.EXPERTS, (long) experts)
        .startSpan();
    this.traceparent = "00-%s-%s-%s".formatted(span.getSpanContext().getTraceId(), span.getSpanContext().getSpanId(),
        span.getSpanContext().getTraceFlags().asHex());
  }

  /** What goes along with its batches: W3C's trace context. */
  public String traceparent() {
    return traceparent;
  }

  /** A batch was sent. */
  public void sent(String cause, String replica, int rows) {
    span.addEvent(cause, Attributes.of(AttributeNames.REPLICA, replica, AttributeNames.ROWS, (long) rows));
  }

  /** A batch was answered. */
  public void answered(String replica, long queueMicros, long computeMicros) {
    span.addEvent("answered", Attributes.of(AttributeNames.REPLICA, replica, AttributeNames.QUEUE_MICROS, queueMicros,
        AttributeNames.COMPUTE_MICROS, computeMicros));
  }

  /** A batch failed. */
  public void failed(String replica, String reason) {
    span.addEvent("failed", Attributes.of(AttributeNames.REPLICA, replica, AttributeNames.REASON, reason));
  }

  /** Every expert has its outputs, or is lost. */
  public void end(int lost) {
    if (lost > 0) {
      span.setStatus(StatusCode.ERROR, lost + " experts could not be computed");
    }
    span.end();
  }
}
