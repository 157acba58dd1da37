package io.expertmesh.kernels;

import org.jspecify.annotations.Nullable;

/** The reference: plain loops that read like the definition of the exact arithmetic. Every other kernel is tested against it. */
public final class ScalarKernels implements Kernels {
  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public Numerics numerics() {
    return Numerics.EXACT;
  }

  @Override
  public void dequantize(Matrix weight, int row, float[] out, int outOffset) {
    WeightMatrix w = (WeightMatrix) weight;
    BlockScales scales = w.scales();
    long start = w.rowStart(row);
    int storedRow = w.storedRow(row);
    for (int k = 0; k < w.cols(); k++) {
      float element = ScalarWeights.element(w.data(), w.dtype(), start, k);
      out[outOffset + k] = scales == null ? element : element * scales.at(storedRow, k);
    }
  }

  @Override
  public void matmul(Matrix weight, int fromRow, int toRow, float[] x, int xOffset, int xStride, int n, float[] out,
      int outOffset, int outStride) {
    int cols = weight.cols();
    float[] w = new float[cols];
    for (int row = fromRow; row < toRow; row++) {
      dequantize(weight, row, w, 0);
      for (int i = 0; i < n; i++) {
        out[outOffset + i * outStride + row] = ExactMath.dot(w, 0, x, xOffset + i * xStride, cols);
      }
    }
  }

  @Override
  public void rmsNorm(float[] x, int xOffset, float[] weight, float epsilon, float[] out, int outOffset) {
    int n = weight.length;
    float meanSquare = ExactMath.dot(x, xOffset, x, xOffset, n) / n;
    float scale = 1f / (float) Math.sqrt(meanSquare + epsilon);
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = weight[i] * (x[xOffset + i] * scale);
    }
  }

  @Override
  public void layerNorm(float[] x, int xOffset, float[] weight, float @Nullable [] bias, float epsilon, float[] out,
      int outOffset) {
    int n = weight.length;
    float mean = ExactMath.sum(x, xOffset, n) / n;
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = x[xOffset + i] - mean;
    }
    float variance = ExactMath.dot(out, outOffset, out, outOffset, n) / n;
    float scale = 1f / (float) Math.sqrt(variance + epsilon);
    for (int i = 0; i < n; i++) {
      float normed = weight[i] * (out[outOffset + i] * scale);
      out[outOffset + i] = bias == null ? normed : normed + bias[i];
    }
  }

  @Override
  public void softmax(float[] x, int offset, int length) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < length; i++) {
      max = Math.max(max, x[offset + i]);
    }
    for (int i = 0; i < length; i++) {
      x[offset + i] = ExactMath.exp(x[offset + i] - max);
    }
    float scale = 1f / ExactMath.sum(x, offset, length);
    for (int i = 0; i < length; i++) {
      x[offset + i] *= scale;
    }
  }

  @Override
  public void gatedSilu(float[] gate, int gateOffset, float[] up, int upOffset, int length) {
    for (int i = 0; i < length; i++) {
      up[upOffset + i] = ExactMath.silu(gate[gateOffset + i]) * up[upOffset + i];
    }
  }

  @Override
  public void clampedSwish(float[] gate, int gateOffset, float[] up, int upOffset, int length, float alpha,
      float limit) {
    for (int i = 0; i < length; i++) {
      float g = Math.min(gate[gateOffset + i], limit);
      float u = Math.clamp(up[upOffset + i], -limit, limit);
      up[upOffset + i] = (u + 1f) * (g * ExactMath.sigmoid(alpha * g));
    }
  }

  @Override
  public void relu(float[] x, int offset, int length) {
    for (int i = offset; i < offset + length; i++) {
      x[i] = Math.max(x[i], 0f);
    }
  }

  @Override
  public void multiply(float[] x, int xOffset, float[] y, int yOffset, int length) {
    for (int i = 0; i < length; i++) {
      y[yOffset + i] *= x[xOffset + i];
    }
  }

  @Override
  public void rotateHalf(float[] x, int offset, int dims, float[] cos, float[] sin, int tableOffset) {
    int half = dims / 2;
    for (int i = 0; i < half; i++) {
      float c = cos[tableOffset + i];
      float s = sin[tableOffset + i];
      float a = x[offset + i];
      float b = x[offset + i + half];
      x[offset + i] = a * c - b * s;
      x[offset + i + half] = b * c + a * s;
    }
  }

  @Override
  public void rotateInterleaved(float[] x, int offset, int dims, float[] cos, float[] sin, int tableOffset) {
    for (int i = 0; i < dims / 2; i++) {
      float c = cos[tableOffset + i];
      float s = sin[tableOffset + i];
      float a = x[offset + 2 * i];
      float b = x[offset + 2 * i + 1];
      x[offset + 2 * i] = a * c - b * s;
      x[offset + 2 * i + 1] = b * c + a * s;
    }
  }

  @Override
  public void addScaled(float[] y, int yOffset, float[] x, int xOffset, float scale, int length) {
    for (int i = 0; i < length; i++) {
      y[yOffset + i] = Math.fma(scale, x[xOffset + i], y[yOffset + i]);
    }
  }

  @Override
  public void scores(float[] query, int queryOffset, int headDim, float[][] keyPages, int pageTokens, int headOffset,
      int from, int to, float scale, float[] scores) {
    for (int t = from; t < to; t++) {
      int at = headOffset + t % pageTokens * headDim;
      scores[t - from] = scale * ExactMath.dot(query, queryOffset, keyPages[t / pageTokens], at, headDim);
    }
  }

  @Override
  public void weightedSum(float[] weights, float[][] valuePages, int pageTokens, int headOffset, int headDim,
      int stride, int from, int to, float[] out, int outOffset) {
    for (int i = 0; i < headDim; i++) {
      float sum = 0f;
      for (int t = from; t < to; t++) {
        sum = Math.fma(weights[t - from], valuePages[t / pageTokens][headOffset + t % pageTokens * stride + i], sum);
      }
      out[outOffset + i] = sum;
    }
  }
}
