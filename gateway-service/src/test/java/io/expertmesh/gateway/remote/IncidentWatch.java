package io.expertmesh.gateway.remote;

import io.expertmesh.engine.watch.RequestWatch;
import io.expertmesh.engine.watch.StepWatch;
import io.expertmesh.model.failure.FailureException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what is told of experts, and nothing else.
 *
 * @param incidents what they were, in one or two words
 */
record IncidentWatch(List<String> incidents) implements RequestWatch {
  @Override
  public void started(int reusedTokens) {}

  @Override
  public void preempted() {}

  @Override
  public void blocked(String reason) {}

  @Override
  public void unblocked() {}

  @Override
  public @Nullable StepWatch step(int rows, int stepRows, int requests) {
    return null;
  }

  @Override
  public void promptDone() {}

  @Override
  public void incident(String what, int layer, String where, String reason) {
    incidents.add(what);
  }

  @Override
  public void finished(int generatedTokens) {}

  @Override
  public void failed(FailureException failure) {}
}
