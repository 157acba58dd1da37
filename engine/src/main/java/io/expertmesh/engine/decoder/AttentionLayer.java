package io.expertmesh.engine.decoder;

import io.expertmesh.engine.decoder.ParallelMatmul.Product;
import io.expertmesh.engine.kvcache.KvSequence;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.RelativeBias;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;
import io.expertmesh.model.decoder.Norms;
import io.expertmesh.model.decoder.RotaryTable;
import org.jspecify.annotations.Nullable;

/** Attention of one layer over the rows of a step and the cached positions before them. */
final class AttentionLayer implements DenseLayer {
  private final int layer;
  private final Attention attention;
  private final AttentionWeights weights;
  private final @Nullable RotaryTable rotary;
  private final @Nullable RotaryTable extended;
  private final int pageTokens;
  private final Kernels kernels;
  private final WorkerPool pool;
  private final ParallelMatmul matmul;

  /**
   * @param rotary null if the attention does not rotate
   * @param extended for long sequences; null if there is no difference
   */
  AttentionLayer(int layer, Attention attention, AttentionWeights weights, @Nullable RotaryTable rotary,
      @Nullable RotaryTable extended, int pageTokens, Kernels kernels, WorkerPool pool) {
    this.layer = layer;
    this.attention = attention;
    this.weights = weights;
    this.rotary = rotary;
    this.extended = extended;
    this.pageTokens = pageTokens;
    this.kernels = kernels;
    this.pool = pool;
    this.matmul = new ParallelMatmul(kernels, pool);
  }

  @Override
  public void forward(Rows rows, Workspace space) {
    int n = rows.count();
    matmul.multiply(space.normed(), n,
        new Product(weights.query(), weights.biases().query(), space.queries()),
        new Product(weights.key(), weights.biases().key(), space.keys()),
        new Product(weights.value(), weights.biases().value(), space.values()));
    pool.ranges(n, 4, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        placeRow(rows.cache(row), rows.position(row), row, space);
      }
    });
    // Head by head, so that neighbouring tasks read the same keys.
    pool.run(n * attention.heads(), (task, worker) -> attend(rows, task % n, task / n, worker, space));
    matmul.multiply(space.mixed(), n, new Product(weights.output(), weights.biases().output(), space.delta()));
  }

  /** Normalises, clamps and turns one row's queries and keys, and puts keys and values into the cache. */
  private void placeRow(KvSequence cache, int position, int row, Workspace space) {
    int queryAt = row * attention.queryWidth();
    int keyAt = row * attention.keyValueWidth();
    float[] queries = space.queries();
    float[] keys = space.keys();
    float[] values = space.values();
    normalize(weights.queryNorm(), queries, queryAt, attention.queryWidth());
    normalize(weights.keyNorm(), keys, keyAt, attention.keyValueWidth());
    Float clip = attention.clip();
    if (clip != null) {
      clamp(queries, queryAt, attention.queryWidth(), clip);
      clamp(keys, keyAt, attention.keyValueWidth(), clip);
      clamp(values, keyAt, attention.keyValueWidth(), clip);
    }
    RotaryTable table = extended != null && cache.extended() ? extended : rotary;
    if (table != null) {
      table.rotate(kernels, queries, queryAt, attention.heads(), attention.headDim(), position);
      table.rotate(kernels, keys, keyAt, attention.kvHeads(), attention.headDim(), position);
    }
    cache.store(layer, position, keys, keyAt, values, keyAt);
  }

  /** The whole row, or head by head, as wide as the weights are. */
  private void normalize(@Nullable NormWeights norm, float[] x, int offset, int width) {
    if (norm != null && attention.qkNorm() != null) {
      for (int at = offset; at < offset + width; at += norm.weight().length) {
        Norms.apply(kernels, attention.qkNorm().norm(), norm, x, at, x, at);
      }
    }
  }

  /** One head of one row. */
  private void attend(Rows rows, int row, int head, int worker, Workspace space) {
    int headDim = attention.headDim();
    int at = row * attention.queryWidth() + head * headDim;
    int to = rows.position(row) + 1;
    int from = attention.window() == null ? 0 : Math.max(0, to - attention.window());
    int positions = to - from;
    int headOffset = head / (attention.heads() / attention.kvHeads()) * pageTokens * headDim;
    KvSequence cache = rows.cache(row);
    float[] scores = space.scores(worker, positions + 1);
    kernels.scores(space.queries(), at, headDim, cache.keyPages(layer), pageTokens, headOffset, from, to,
        attention.scale(), scores);
    RelativeBias bias = attention.relativeBias();
    if (bias != null && weights.relativeBias() != null) {
      bias.add(weights.relativeBias()[head], rows.position(row), from, scores, positions);
    }
    if (weights.sinks() == null) {
      kernels.softmax(scores, 0, positions);
    } else {
      scores[positions] = weights.sinks()[head];
      kernels.softmax(scores, 0, positions + 1);
    }
    kernels.weightedSum(scores, cache.valuePages(layer), pageTokens, headOffset, headDim, headDim, from, to,
        space.mixed(), at);
  }

  private static void clamp(float[] x, int offset, int length, float limit) {
    for (int i = offset; i < offset + length; i++) {
      x[i] = Math.clamp(x[i], -limit, limit);
    }
  }
}
