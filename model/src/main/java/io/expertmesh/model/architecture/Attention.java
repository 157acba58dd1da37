package io.expertmesh.model.architecture;

import org.jspecify.annotations.Nullable;

/**
 * Multi-head attention with grouped queries.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim floats per head
 * @param inputBias whether the projections of queries, keys and values have a bias
 * @param outputBias whether the output projection has one
 * @param qkNorm of queries and keys, before the rotation
 * @param clip queries, keys and values are clamped to [-clip, clip] after the norm
 * @param rotary null if queries and keys are not rotated
 * @param scale of the scores before the softmax
 * @param window a token sees itself and the {@code window - 1} positions before it; null for all
 * @param sinks whether each head has one more logit in its softmax, which takes weight and has no value
 * @param relativeBias added to the scores; null for none
 * @param causal whether a token sees only itself and what is before it, or everything: an encoder
 */
public record Attention(
    int heads,
    int kvHeads,
    int headDim,
    boolean inputBias,
    boolean outputBias,
    @Nullable QkNorm qkNorm,
    @Nullable Float clip,
    @Nullable Rotary rotary,
    float scale,
    @Nullable Integer window,
    boolean sinks,
    @Nullable RelativeBias relativeBias,
    boolean causal) implements Operation {

  /**
   * The norm of queries and keys.
   *
   * @param perHead whether each head is normalised by itself with shared weights (headDim), or the whole projected row
   */
  public record QkNorm(Norm norm, boolean perHead) {}

  /** Without biases, clipping, window and sinks; scores are divided by the square root of {@code headDim}. */
  public static Attention of(int heads, int kvHeads, int headDim, @Nullable QkNorm qkNorm, @Nullable Rotary rotary) {
    return new Attention(heads, kvHeads, headDim, false, false, qkNorm, null, rotary,
        (float) (1 / Math.sqrt(headDim)), null, false, null, true);
  }

  /** With biases. */
  public Attention withBias(boolean input, boolean output) {
    return new Attention(heads, kvHeads, headDim, input, output, qkNorm, clip, rotary, scale, window, sinks, relativeBias, causal);
  }

  public Attention withClip(@Nullable Float limit) {
    return new Attention(heads, kvHeads, headDim, inputBias, outputBias, qkNorm, limit, rotary, scale, window, sinks, relativeBias, causal);
  }

  public Attention withScale(float factor) {
    return new Attention(heads, kvHeads, headDim, inputBias, outputBias, qkNorm, clip, rotary, factor, window, sinks, relativeBias, causal);
  }

  public Attention withWindow(@Nullable Integer positions) {
    return new Attention(heads, kvHeads, headDim, inputBias, outputBias, qkNorm, clip, rotary, scale, positions,
        sinks, relativeBias, causal);
  }

  public Attention withSinks() {
    return new Attention(heads, kvHeads, headDim, inputBias, outputBias, qkNorm, clip, rotary, scale, window, true, relativeBias, causal);
  }

  /** With numbers for distances instead of a rotation. */
  public Attention withRelativeBias(RelativeBias bias) {
    return new Attention(heads, kvHeads, headDim, inputBias, outputBias, qkNorm, clip, rotary, scale, window, sinks,
        bias, causal);
  }

  /** As an encoder's: every token sees all others. */
  public Attention bidirectional() {
    return new Attention(heads, kvHeads, headDim, inputBias, outputBias, qkNorm, clip, rotary, scale, window, sinks,
        relativeBias, false);
  }

  /** Floats of all query heads. */
  public int queryWidth() {
    return heads * headDim;
  }

  /** Floats of all key (or value) heads. */
  public int keyValueWidth() {
    return kvHeads * headDim;
  }
}
