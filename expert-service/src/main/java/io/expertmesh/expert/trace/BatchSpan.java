package io.expertmesh.expert.trace;

import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.RejectionReason;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;

/** One batch, from its arrival to its answer. */
public final class BatchSpan {
  private static final AttributeKey<Long> QUEUE_MICROS = AttributeKey.longKey("expertmesh.queue_micros");
  private static final AttributeKey<Long> COMPUTE_MICROS = AttributeKey.longKey("expertmesh.compute_micros");
  private static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");

  private final Span span;

  BatchSpan(Span span) {
    this.span = span;
  }

  public void computed(ExpertResult result) {
    span.setAttribute(QUEUE_MICROS, result.getQueueMicros()).setAttribute(COMPUTE_MICROS, result.getComputeMicros());
    span.end();
  }

  public void rejected(RejectionReason reason, String message) {
    span.setAttribute(ERROR_TYPE, reason.name()).setStatus(StatusCode.ERROR, message);
    span.end();
  }

  /** The gateway does not need the answer any more, or is gone. */
  public void cancelled() {
    span.addEvent("cancelled");
    span.end();
  }
}
