package io.expertmesh.engine.experts;

import java.util.Set;

/** Where the experts are: in this process, or behind a network. */
public interface ExpertClient {
  /**
   * Starts the experts of one layer. There may be as many calls at once as {@link #microBatches} says.
   *
   * @param layer index of the block
   * @param hidden (tokens, hidden), normalised; not changed until the call has ended
   * @param outputs (rows, hidden) in the order of the plan's rows, filled before any weight is applied
   */
  ExpertCall forward(int layer, DispatchPlan plan, float[] hidden, float[] outputs);

  /**
   * As {@link #forward(int, DispatchPlan, float[], float[])}.
   *
   * @param origin for logs and traces of experts that are elsewhere
   */
  default ExpertCall forward(int layer, DispatchPlan plan, float[] hidden, float[] outputs, CallOrigin origin) {
    return forward(layer, plan, hidden, outputs);
  }

  /** Experts that no live replica holds at the moment; empty where all are in this process. */
  Set<Integer> unavailable();

  /** Those of them that are started when they are wanted. */
  default SleepingExperts sleeping() {
    return SleepingExperts.NONE;
  }

  /** Says which experts requests wait for now. Often called with the same. */
  default void want(Set<Integer> experts) {
    // Most clients can start none.
  }

  /** Into how many parts a step is split, so that the attention of one overlaps the experts of another. */
  int microBatches();

  /** Calls {@code listener}, on any thread, whenever {@link #unavailable} has changed. */
  void onAvailabilityChange(Runnable listener);
}
