package io.expertmesh.model.architecture;

/**
 * Multi-head attention whose keys and values are projections of the encoder's output; every token sees all of it.
 *
 * @param heads of queries, keys and values
 * @param headDim floats per head
 * @param bias whether its projections have biases
 * @param scale of the scores before the softmax
 */
public record CrossAttention(int heads, int headDim, boolean bias, float scale) implements Operation {
  /** Floats of all heads. */
  public int width() {
    return heads * headDim;
  }
}
