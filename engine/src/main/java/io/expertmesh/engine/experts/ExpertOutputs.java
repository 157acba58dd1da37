package io.expertmesh.engine.experts;

/** The outputs of a layer's experts, which may still be on their way. */
@FunctionalInterface
public interface ExpertOutputs {
  /**
   * Waits for all of them.
   *
   * @return (rows, hidden) in the order of the plan's rows, before any weight is applied; valid until the next call of
   *     the client
   */
  float[] await();
}
