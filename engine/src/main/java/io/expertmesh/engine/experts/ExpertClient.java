package io.expertmesh.engine.experts;

/** Where the experts are: in this process, or behind a network. */
@FunctionalInterface
public interface ExpertClient {
  /**
   * Starts the experts of one layer.
   *
   * @param layer index of the block
   * @param hidden (tokens, hidden), normalised; not changed until the outputs are there
   */
  ExpertOutputs forward(int layer, DispatchPlan plan, float[] hidden);
}
