package io.expertmesh.gateway.trace;

import io.expertmesh.engine.watch.LayerWatch;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;

/** One layer of a step: what is computed here, and the experts. */
public final class LayerSpan implements LayerWatch {
  private final Tracer tracer;
  private final int layer;
  private final Span span;
  private final Context context;

  LayerSpan(Tracer tracer, Context step, int layer, int rows) {
    this.tracer = tracer;
    this.layer = layer;
    this.span = tracer.spanBuilder("layer " + layer).setParent(step)
        .setAttribute(AttributeNames.LAYER, (long) layer)
        .setAttribute(AttributeNames.ROWS, (long) rows)
        .startSpan();
    this.context = step.with(span);
  }

  /**
   * The experts of the layer are called.
   *
   * @param rows token and expert pairs
   * @param experts that have rows
   */
  public ExpertsSpan experts(int rows, int experts) {
    return new ExpertsSpan(tracer, context, layer, rows, experts);
  }

  @Override
  public void end() {
    span.end();
  }
}
