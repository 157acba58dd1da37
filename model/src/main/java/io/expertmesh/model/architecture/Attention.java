package io.expertmesh.model.architecture;

import org.jspecify.annotations.Nullable;

/**
 * Multi-head attention with grouped queries.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim floats per head
 * @param fullWidthQkNorm RMSNorm over the whole projected query and key, before the split into heads
 * @param clip queries, keys and values are clamped to [-clip, clip] after the norm
 * @param ropeTheta base of the rotary angles, half layout
 * @param scale of the scores before the softmax
 */
public record Attention(
    int heads,
    int kvHeads,
    int headDim,
    boolean fullWidthQkNorm,
    @Nullable Float clip,
    float ropeTheta,
    float scale) {
  /** Floats of all query heads. */
  public int queryWidth() {
    return heads * headDim;
  }

  /** Floats of all key (or value) heads. */
  public int keyValueWidth() {
    return kvHeads * headDim;
  }
}
