package io.expertmesh.gateway.trace;

import io.expertmesh.engine.watch.LayerWatch;
import io.expertmesh.engine.watch.StepWatch;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;

/** A step of the decoder, in the trace of one of its requests. */
final class StepSpan implements StepWatch {
  private final Tracer tracer;
  private final Span span;
  private final Context context;

  /**
   * @param phase of the request
   * @param rows of the request
   * @param stepRows of all requests
   */
  StepSpan(Tracer tracer, Context phase, int rows, int stepRows, int requests) {
    this.tracer = tracer;
    this.span = tracer.spanBuilder("step").setParent(phase)
        .setAttribute(AttributeNames.OWN_ROWS, (long) rows)
        .setAttribute(AttributeNames.ROWS, (long) stepRows)
        .setAttribute(AttributeNames.REQUESTS, (long) requests)
        .startSpan();
    this.context = phase.with(span);
  }

  @Override
  public LayerWatch layer(int layer, int rows) {
    return new LayerSpan(tracer, context, layer, rows);
  }

  @Override
  public void end() {
    span.end();
  }
}
