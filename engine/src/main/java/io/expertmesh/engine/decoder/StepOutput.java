package io.expertmesh.engine.decoder;

/** Takes the logits of a step as they are computed. */
@FunctionalInterface
public interface StepOutput {
  /**
   * The logits after one token.
   *
   * @param chunk index of the chunk in the step
   * @param position of the token in its sequence
   * @param logits from {@code offset} on, one per vocabulary id; only valid during the call and not to be changed
   */
  void logits(int chunk, int position, float[] logits, int offset);
}
