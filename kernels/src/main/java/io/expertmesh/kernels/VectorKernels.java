package io.expertmesh.kernels;

import static io.expertmesh.kernels.VectorWeights.SPECIES;
import static io.expertmesh.kernels.VectorWeights.WIDTH;

import java.lang.ref.Reference;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * The exact arithmetic with the JDK's Vector API, at 128, 256 or 512 bits.
 *
 * <p>Runs whose length is not a multiple of 16 finish with the scalar definition; matrices with such rows, or with scales
 * for such runs (only tests have them), use the scalar kernel whole.
 */
public final class VectorKernels implements Kernels {
  /** From how many rows of x on it pays to write the weights out as f32. */
  private static final int FEWEST_ROWS_FOR_TILES = 6;

  private final ScalarKernels scalar = new ScalarKernels();

  /** Bits of the widest vectors that this CPU has. */
  static int widestBits() {
    return FloatVector.SPECIES_PREFERRED.vectorBitSize();
  }

  @Override
  public String name() {
    return "vector-" + SPECIES.vectorBitSize();
  }

  @Override
  public Numerics numerics() {
    return Numerics.EXACT;
  }

  @Override
  public void dequantize(Matrix weight, int row, float[] out, int outOffset) {
    WeightMatrix w = (WeightMatrix) weight;
    if (!VectorBlocks.handles(w)) {
      scalar.dequantize(w, row, out, outOffset);
      return;
    }
    try {
      VectorBlocks.dequantize(w, row, 0, w.cols(), out, outOffset);
    } finally {
      Reference.reachabilityFence(w);
    }
  }

  @Override
  public void matmul(Matrix weight, int fromRow, int toRow, float[] x, int xOffset, int xStride, int n, float[] out,
      int outOffset, int outStride) {
    WeightMatrix w = (WeightMatrix) weight;
    assert 0 <= fromRow && fromRow <= toRow && toRow <= w.rows();
    if (!VectorBlocks.handles(w)) {
      scalar.matmul(w, fromRow, toRow, x, xOffset, xStride, n, out, outOffset, outStride);
      return;
    }
    try {
      if (n < FEWEST_ROWS_FOR_TILES) {
        VectorStreams.matmul(w, fromRow, toRow, x, xOffset, xStride, n, out, outOffset, outStride);
      } else {
        VectorTiles.matmul(w, fromRow, toRow, x, xOffset, xStride, n, out, outOffset, outStride);
      }
    } finally {
      Reference.reachabilityFence(w);
    }
  }

  @Override
  public void rmsNorm(float[] x, int xOffset, float[] weight, float epsilon, float[] out, int outOffset) {
    int n = weight.length;
    float meanSquare = dot(x, xOffset, x, xOffset, n, new float[ExactMath.LANES]) / n;
    float scale = 1f / (float) Math.sqrt(meanSquare + epsilon);
    int i = 0;
    for (; i <= n - WIDTH; i += WIDTH) {
      FloatVector.fromArray(SPECIES, weight, i).mul(FloatVector.fromArray(SPECIES, x, xOffset + i).mul(scale))
          .intoArray(out, outOffset + i);
    }
    for (; i < n; i++) {
      out[outOffset + i] = weight[i] * (x[xOffset + i] * scale);
    }
  }

  private static float dot(float[] a, int aOffset, float[] b, int bOffset, int n, float[] lanes) {
    return n % ExactMath.LANES == 0
        ? VectorMath.dot(a, aOffset, b, bOffset, n, lanes)
        : ExactMath.dot(a, aOffset, b, bOffset, n);
  }

  @Override
  public void softmax(float[] x, int offset, int length) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < length; i++) {
      max = Math.max(max, x[offset + i]);
    }
    int i = 0;
    for (; i <= length - WIDTH; i += WIDTH) {
      VectorMath.exp(FloatVector.fromArray(SPECIES, x, offset + i).sub(max)).intoArray(x, offset + i);
    }
    for (; i < length; i++) {
      x[offset + i] = ExactMath.exp(x[offset + i] - max);
    }
    float scale = 1f / (length % ExactMath.LANES == 0
        ? VectorMath.sum(x, offset, length, new float[ExactMath.LANES])
        : ExactMath.sum(x, offset, length));
    for (i = 0; i < length; i++) {
      x[offset + i] *= scale;
    }
  }

  @Override
  public void gatedSilu(float[] gate, int gateOffset, float[] up, int upOffset, int length) {
    int i = 0;
    for (; i <= length - WIDTH; i += WIDTH) {
      FloatVector g = FloatVector.fromArray(SPECIES, gate, gateOffset + i);
      FloatVector silu = g.div(VectorMath.exp(g.neg()).add(1f));
      silu.mul(FloatVector.fromArray(SPECIES, up, upOffset + i)).intoArray(up, upOffset + i);
    }
    scalar.gatedSilu(gate, gateOffset + i, up, upOffset + i, length - i);
  }

  @Override
  public void clampedSwish(float[] gate, int gateOffset, float[] up, int upOffset, int length, float alpha,
      float limit) {
    int i = 0;
    for (; i <= length - WIDTH; i += WIDTH) {
      FloatVector g = FloatVector.fromArray(SPECIES, gate, gateOffset + i).min(limit);
      FloatVector u = FloatVector.fromArray(SPECIES, up, upOffset + i).min(limit).max(-limit);
      FloatVector sigmoid = FloatVector.broadcast(SPECIES, 1f).div(VectorMath.exp(g.mul(alpha).neg()).add(1f));
      u.add(1f).mul(g.mul(sigmoid)).intoArray(up, upOffset + i);
    }
    scalar.clampedSwish(gate, gateOffset + i, up, upOffset + i, length - i, alpha, limit);
  }

  @Override
  public void relu(float[] x, int offset, int length) {
    scalar.relu(x, offset, length); // plain enough for the compiler to vectorise, as are the next two
  }

  @Override
  public void multiply(float[] x, int xOffset, float[] y, int yOffset, int length) {
    scalar.multiply(x, xOffset, y, yOffset, length);
  }

  @Override
  public void rotateInterleaved(float[] x, int offset, int dims, float[] cos, float[] sin, int tableOffset) {
    scalar.rotateInterleaved(x, offset, dims, cos, sin, tableOffset);
  }

  @Override
  public void layerNorm(float[] x, int xOffset, float[] weight, float @Nullable [] bias, float epsilon, float[] out,
      int outOffset) {
    scalar.layerNorm(x, xOffset, weight, bias, epsilon, out, outOffset);
  }

  @Override
  public void rotateHalf(float[] x, int offset, int dims, float[] cos, float[] sin, int tableOffset) {
    scalar.rotateHalf(x, offset, dims, cos, sin, tableOffset); // plain enough for the compiler to vectorise
  }

  @Override
  public void addScaled(float[] y, int yOffset, float[] x, int xOffset, float scale, int length) {
    FloatVector s = FloatVector.broadcast(SPECIES, scale);
    int i = 0;
    for (; i <= length - WIDTH; i += WIDTH) {
      s.fma(FloatVector.fromArray(SPECIES, x, xOffset + i), FloatVector.fromArray(SPECIES, y, yOffset + i))
          .intoArray(y, yOffset + i);
    }
    scalar.addScaled(y, yOffset + i, x, xOffset + i, scale, length - i);
  }

  @Override
  public void scores(float[] query, int queryOffset, int headDim, float[][] keyPages, int pageTokens, int headOffset,
      int from, int to, float scale, float[] scores) {
    float[] lanes = new float[ExactMath.LANES];
    for (int t = from; t < to; t++) {
      int at = headOffset + t % pageTokens * headDim;
      scores[t - from] = scale * dot(query, queryOffset, keyPages[t / pageTokens], at, headDim, lanes);
    }
  }

  @Override
  public void weightedSum(float[] weights, float[][] valuePages, int pageTokens, int headOffset, int headDim,
      int stride, int from, int to, float[] out, int outOffset) {
    int i = 0;
    for (; i <= headDim - 4 * WIDTH; i += 4 * WIDTH) {
      weightedSum4(weights, valuePages, pageTokens, headOffset + i, stride, from, to, out, outOffset + i);
    }
    for (; i <= headDim - WIDTH; i += WIDTH) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int t = from; t < to; t++) {
        sum = FloatVector.broadcast(SPECIES, weights[t - from]).fma(FloatVector.fromArray(SPECIES,
            valuePages[t / pageTokens], headOffset + t % pageTokens * stride + i), sum);
      }
      sum.intoArray(out, outOffset + i);
    }
    for (; i < headDim; i++) {
      float sum = 0f;
      for (int t = from; t < to; t++) {
        sum = Math.fma(weights[t - from], valuePages[t / pageTokens][headOffset + t % pageTokens * stride + i], sum);
      }
      out[outOffset + i] = sum;
    }
  }

  /** Four registers of the output at once, so that their chains of fma overlap. */
  private static void weightedSum4(float[] weights, float[][] valuePages, int pageTokens, int offset, int stride,
      int from, int to, float[] out, int outOffset) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int t = from; t < to; t++) {
      float[] page = valuePages[t / pageTokens];
      int at = offset + t % pageTokens * stride;
      FloatVector p = FloatVector.broadcast(SPECIES, weights[t - from]);
      s0 = p.fma(FloatVector.fromArray(SPECIES, page, at), s0);
      s1 = p.fma(FloatVector.fromArray(SPECIES, page, at + WIDTH), s1);
      s2 = p.fma(FloatVector.fromArray(SPECIES, page, at + 2 * WIDTH), s2);
      s3 = p.fma(FloatVector.fromArray(SPECIES, page, at + 3 * WIDTH), s3);
    }
    s0.intoArray(out, outOffset);
    s1.intoArray(out, outOffset + WIDTH);
    s2.intoArray(out, outOffset + 2 * WIDTH);
    s3.intoArray(out, outOffset + 3 * WIDTH);
  }
}
