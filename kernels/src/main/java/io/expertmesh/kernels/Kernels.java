package io.expertmesh.kernels;

import org.jspecify.annotations.Nullable;

/**
 * The tensor operations of a decoder, each on one thread; callers spread ranges over a {@link WorkerPool}.
 * Implementations are stateless and thread-safe.
 *
 * <p>Activations are row-major {@code float[]} with an offset. Shapes are written (rows, cols). Arguments are checked
 * by callers at the edge of the engine; kernels only {@code assert}.
 */
public interface Kernels {
  /** The technique and its width, such as {@code scalar} or {@code vector-512}; what {@link KernelSelection} forces. */
  String name();

  Numerics numerics();

  /** The layout that {@link #matmul} of this implementation reads; by default the checkpoint's own, without a copy. */
  default Matrix prepare(WeightMatrix weight) {
    return weight;
  }

  /** Row {@code row} of {@code weight} as f32. */
  void dequantize(Matrix weight, int row, float[] out, int outOffset);

  /**
   * out = x * weight^T for the outputs {@code fromRow} to {@code toRow} (exclusive) and {@code n} rows of x.
   *
   * @param x (n, weight.cols), rows {@code xStride} apart
   * @param out (n, weight.rows), rows {@code outStride} apart; only columns [fromRow, toRow) are written
   */
  void matmul(Matrix weight, int fromRow, int toRow, float[] x, int xOffset, int xStride, int n, float[] out,
      int outOffset, int outStride);

  /** out = weight * x / sqrt(mean(x^2) + epsilon) over {@code weight.length} elements. {@code out} may be {@code x}. */
  void rmsNorm(float[] x, int xOffset, float[] weight, float epsilon, float[] out, int outOffset);

  /**
   * out = weight * (x - mean) / sqrt(variance + epsilon) + bias over {@code weight.length} elements. {@code out} may be
   * {@code x}.
   *
   * @param bias null for none
   */
  void layerNorm(float[] x, int xOffset, float[] weight, float @Nullable [] bias, float epsilon, float[] out,
      int outOffset);

  /** Softmax in place. */
  void softmax(float[] x, int offset, int length);

  /** up = silu(gate) * up, in place. */
  void gatedSilu(float[] gate, int gateOffset, float[] up, int upOffset, int length);

  /**
   * up = (u + 1) * g * sigmoid(alpha * g) in place, with g = min(gate, limit) and u = up clamped to [-limit, limit].
   */
  void clampedSwish(float[] gate, int gateOffset, float[] up, int upOffset, int length, float alpha, float limit);

  /** x = max(x, 0), in place. */
  void relu(float[] x, int offset, int length);

  /** y *= x. */
  void multiply(float[] x, int xOffset, float[] y, int yOffset, int length);

  /**
   * Rotary position embedding of one head in place, half layout: the pair (i, i + dims / 2) turns by angle i.
   *
   * @param cos cosines of the position's dims / 2 angles from {@code tableOffset} on; {@code sin} likewise
   */
  void rotateHalf(float[] x, int offset, int dims, float[] cos, float[] sin, int tableOffset);

  /** As {@link #rotateHalf}, but the pair (2i, 2i + 1) turns by angle i. */
  void rotateInterleaved(float[] x, int offset, int dims, float[] cos, float[] sin, int tableOffset);

  /** y += scale * x, one fma per element. */
  void addScaled(float[] y, int yOffset, float[] x, int xOffset, float scale, int length);

  /**
   * What one query head sees of the cached positions [from, to): scores[t - from] = scale * query . key(t).
   *
   * <p>The key of position t lies in page t / {@code pageTokens} at {@code headOffset + (t % pageTokens) * headDim}.
   *
   * @param query (headDim)
   * @param scores at least to - from floats
   */
  void scores(float[] query, int queryOffset, int headDim, float[][] keyPages, int pageTokens, int headOffset,
      int from, int to, float scale, float[] scores);

  /**
   * out = the sum of weights[t - from] * value(t) over the cached positions [from, to).
   *
   * <p>The value of position t lies in page t / {@code pageTokens} at {@code headOffset + (t % pageTokens) * stride}.
   *
   * @param out (headDim)
   */
  void weightedSum(float[] weights, float[][] valuePages, int pageTokens, int headOffset, int headDim, int stride,
      int from, int to, float[] out, int outOffset);
}
