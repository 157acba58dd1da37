package io.expertmesh.gateway.trace;

import io.expertmesh.engine.watch.RequestWatch;
import io.expertmesh.engine.watch.StepWatch;
import io.expertmesh.model.failure.FailureException;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import org.jspecify.annotations.Nullable;

/** One answer in the engine: queue, prefill and decode, one after the other, and some of its steps within them. */
final class RequestSpans implements RequestWatch {
  private final Tracer tracer;
  private final Context request;
  private final int layerSteps;
  /** What goes on now. Read by the network's threads. */
  private volatile Span phase;
  private boolean promptDone;
  private int phaseSteps;
  /** Steps until one is watched. */
  private int until;

  RequestSpans(Tracer tracer, Context request, int layerSteps) {
    this.tracer = tracer;
    this.request = request;
    this.layerSteps = layerSteps;
    this.phase = begin("queue");
  }

  private Span begin(String name) {
    phaseSteps = 0;
    until = 0;
    return tracer.spanBuilder(name).setParent(request).startSpan();
  }

  private void next(String name) {
    endPhase();
    phase = begin(name);
  }

  private void endPhase() {
    if (phaseSteps > 0) {
      phase.setAttribute(AttributeNames.STEPS, (long) phaseSteps);
    }
    phase.end();
  }

  @Override
  public void started(int reusedTokens) {
    next(promptDone ? "decode" : "prefill");
    if (reusedTokens > 0) {
      phase.setAttribute(AttributeNames.REUSED_TOKENS, (long) reusedTokens);
    }
  }

  @Override
  public void preempted() {
    phase.addEvent("preempted");
    next("queue");
  }

  @Override
  public void blocked(String reason) {
    phase.addEvent("waits for experts",
        Attributes.of(AttributeNames.REASON, reason));
  }

  @Override
  public void unblocked() {
    phase.addEvent("goes on");
  }

  @Override
  public @Nullable StepWatch step(int rows, int stepRows, int requests) {
    phaseSteps++;
    if (until-- > 0) {
      return null;
    }
    until = layerSteps - 1;
    return new StepSpan(tracer, request.with(phase), rows, stepRows, requests);
  }

  @Override
  public void promptDone() {
    promptDone = true;
    next("decode");
  }

  @Override
  public void incident(String what, int layer, String where, String reason) {
    phase.addEvent(what, Attributes.of(AttributeNames.LAYER, (long) layer,
        AttributeNames.REPLICA, where,
        AttributeNames.REASON, reason));
  }

  @Override
  public void finished(int generatedTokens) {
    phase.setAttribute(AttributeNames.TOKENS, (long) generatedTokens);
    endPhase();
  }

  @Override
  public void failed(FailureException failure) {
    phase.setStatus(StatusCode.ERROR, String.valueOf(failure.getMessage()));
    endPhase();
  }
}
