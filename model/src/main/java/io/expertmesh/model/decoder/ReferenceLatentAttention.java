package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.decoder.DecoderWeights.LatentAttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;
import org.jspecify.annotations.Nullable;

/** {@link LatentAttention} over a whole sequence, as {@link ReferenceDecoder} computes everything. */
final class ReferenceLatentAttention {
  private final LatentAttention attention;
  private final LatentAttentionWeights weights;
  private final Kernels kernels;

  ReferenceLatentAttention(LatentAttention attention, LatentAttentionWeights weights, Kernels kernels) {
    this.attention = attention;
    this.weights = weights;
    this.kernels = kernels;
  }

  /** x is (T, H); the result is (T, H). */
  float[] forward(float[] x) {
    int tokens = x.length / weights.down().cols();
    int width = attention.cachedWidth();
    float[] queries = queries(x, tokens); // (T, heads * queryDim)
    float[] cached = multiply(weights.down(), weights.downBias(), x, tokens); // (T, rank + rotated)
    RotaryTable rotary = RotaryTable.of(tokens, attention.rotary());
    for (int t = 0; t < tokens; t++) {
      normalize(weights.norm(), cached, t * width);
      rotary.rotate(kernels, cached, t * width + attention.rank(), 1, attention.rotary().dims(), t);
      rotary.rotate(kernels, queries, t * attention.queryWidth() + attention.plainDim(), attention.heads(),
          attention.queryDim(), t);
    }
    float[] mixed = new float[tokens * attention.valueWidth()];
    for (int head = 0; head < attention.heads(); head++) {
      attend(head, queries, cached, tokens, mixed);
    }
    return multiply(weights.output(), weights.outputBias(), mixed, tokens);
  }

  private float[] queries(float[] x, int tokens) {
    Matrix down = weights.queryDown();
    NormWeights norm = weights.queryNorm();
    if (down == null || norm == null) {
      return multiply(weights.query(), null, x, tokens);
    }
    float[] latent = multiply(down, weights.queryDownBias(), x, tokens);
    for (int t = 0; t < tokens; t++) {
      normalize(norm, latent, t * down.rows());
    }
    return multiply(weights.query(), null, latent, tokens);
  }

  /** One head's columns of {@code mixed} (T, valueWidth). */
  private void attend(int head, float[] queries, float[] cached, int tokens, float[] mixed) {
    int rank = attention.rank();
    int width = attention.cachedWidth();
    int queryAt = head * attention.queryDim();
    float[] latentQueries = new float[tokens * width]; // (T, rank + rotated)
    kernels.matmul(weights.keyUp().get(head), 0, rank, queries, queryAt, attention.queryWidth(), tokens, latentQueries,
        0, width);
    float[] latentValues = new float[tokens * rank]; // (T, rank)
    float[][] page = {cached};
    for (int t = 0; t < tokens; t++) {
      System.arraycopy(queries, t * attention.queryWidth() + queryAt + attention.plainDim(), latentQueries,
          t * width + rank, attention.rotary().dims());
      float[] scores = new float[t + 1];
      kernels.scores(latentQueries, t * width, width, page, tokens, 0, 0, t + 1, attention.scale(), scores);
      kernels.softmax(scores, 0, t + 1);
      kernels.weightedSum(scores, page, tokens, 0, rank, width, 0, t + 1, latentValues, t * rank);
    }
    kernels.matmul(weights.valueUp().get(head), 0, attention.valueDim(), latentValues, 0, rank, tokens, mixed,
        head * attention.valueDim(), attention.valueWidth());
  }

  private void normalize(NormWeights norm, float[] x, int offset) {
    Norms.apply(kernels, attention.latentNorm(), norm, x, offset, x, offset);
  }

  /** x is (T, weight.cols); the result is (T, weight.rows). */
  private float[] multiply(Matrix weight, float @Nullable [] bias, float[] x, int tokens) {
    int rows = weight.rows();
    float[] out = new float[tokens * rows];
    kernels.matmul(weight, 0, rows, x, 0, weight.cols(), tokens, out, 0, rows);
    for (int t = 0; bias != null && t < tokens; t++) {
      kernels.addScaled(out, t * rows, bias, 0, 1f, rows);
    }
    return out;
  }
}
