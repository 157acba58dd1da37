package io.expertmesh.engine.decoder;

import io.expertmesh.engine.kvcache.KvSequence;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;
import io.expertmesh.model.decoder.RotaryTable;

/** Attention of one layer over the rows of a step and the cached positions before them. */
final class AttentionLayer {
  private final int layer;
  private final Attention attention;
  private final AttentionWeights weights;
  private final RotaryTable rotary;
  private final float normEpsilon;
  private final int pageTokens;
  private final Kernels kernels;
  private final WorkerPool pool;
  private final ParallelMatmul matmul;

  AttentionLayer(int layer, Attention attention, AttentionWeights weights, RotaryTable rotary, float normEpsilon,
      int pageTokens, Kernels kernels, WorkerPool pool) {
    this.layer = layer;
    this.attention = attention;
    this.weights = weights;
    this.rotary = rotary;
    this.normEpsilon = normEpsilon;
    this.pageTokens = pageTokens;
    this.kernels = kernels;
    this.pool = pool;
    this.matmul = new ParallelMatmul(kernels, pool);
  }

  /**
   * out = attention(x).
   *
   * @param x (rows, hidden), normalised
   * @param out (rows, hidden)
   */
  void forward(Rows rows, float[] x, Workspace space, float[] out) {
    int n = rows.count();
    matmul.multiply(weights.query(), space.queries(), weights.key(), space.keys(), weights.value(), space.values(), x,
        n);
    pool.ranges(n, 4, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        placeRow(rows.cache(row), rows.position(row), row, space);
      }
    });
    int heads = attention.heads();
    int group = heads / attention.kvHeads();
    int headDim = attention.headDim();
    // Head by head, so that neighbouring tasks read the same keys.
    pool.run(n * heads, (task, worker) -> {
      int head = task / n;
      int row = task % n;
      int at = row * attention.queryWidth() + head * headDim;
      int positions = rows.position(row) + 1;
      KvSequence cache = rows.cache(row);
      kernels.attention(space.queries(), at, headDim, cache.keyPages(layer), cache.valuePages(layer), pageTokens,
          head / group * pageTokens * headDim, 0, positions, attention.scale(), space.scores(worker, positions),
          space.mixed(), at);
    });
    matmul.multiply(weights.output(), space.mixed(), n, out);
  }

  /** Normalises, clamps and turns one row's queries and keys, and puts keys and values into the cache. */
  private void placeRow(KvSequence cache, int position, int row, Workspace space) {
    int queryAt = row * attention.queryWidth();
    int keyAt = row * attention.keyValueWidth();
    float[] queries = space.queries();
    float[] keys = space.keys();
    float[] values = space.values();
    if (attention.fullWidthQkNorm()) {
      kernels.rmsNorm(queries, queryAt, weights.queryNorm(), normEpsilon, queries, queryAt);
      kernels.rmsNorm(keys, keyAt, weights.keyNorm(), normEpsilon, keys, keyAt);
    }
    Float clip = attention.clip();
    if (clip != null) {
      clamp(queries, queryAt, attention.queryWidth(), clip);
      clamp(keys, keyAt, attention.keyValueWidth(), clip);
      clamp(values, keyAt, attention.keyValueWidth(), clip);
    }
    int angles = position * rotary.half();
    for (int at = queryAt; at < queryAt + attention.queryWidth(); at += attention.headDim()) {
      kernels.rotateHalf(queries, at, attention.headDim(), rotary.cos(), rotary.sin(), angles);
    }
    for (int at = keyAt; at < keyAt + attention.keyValueWidth(); at += attention.headDim()) {
      kernels.rotateHalf(keys, at, attention.headDim(), rotary.cos(), rotary.sin(), angles);
    }
    cache.store(layer, position, keys, keyAt, values, keyAt);
  }

  private static void clamp(float[] x, int offset, int length, float limit) {
    for (int i = offset; i < offset + length; i++) {
      x[i] = Math.clamp(x[i], -limit, limit);
    }
  }
}
