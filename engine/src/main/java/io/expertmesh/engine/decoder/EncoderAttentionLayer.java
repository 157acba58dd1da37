package io.expertmesh.engine.decoder;

import io.expertmesh.engine.decoder.ParallelMatmul.Product;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.RelativeBias;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;

/** Attention of one layer in which every row sees all rows, which are one request's input. */
final class EncoderAttentionLayer implements DenseLayer {
  private final Attention attention;
  private final AttentionWeights weights;
  private final Kernels kernels;
  private final WorkerPool pool;
  private final ParallelMatmul matmul;

  EncoderAttentionLayer(Attention attention, AttentionWeights weights, Kernels kernels, WorkerPool pool) {
    if (attention.causal() || attention.qkNorm() != null || attention.clip() != null || attention.rotary() != null
        || attention.window() != null || attention.sinks()) {
      throw new IllegalArgumentException("no encoder has such an attention: " + attention);
    }
    this.attention = attention;
    this.weights = weights;
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
    float[][] keys = {HeadMajor.of(space.keys(), n, attention.kvHeads(), attention.headDim())};
    float[][] values = {HeadMajor.of(space.values(), n, attention.kvHeads(), attention.headDim())};
    pool.run(n * attention.heads(), (task, worker) -> attend(keys, values, n, task % n, task / n, worker, space));
    matmul.multiply(space.mixed(), n, new Product(weights.output(), weights.biases().output(), space.delta()));
  }

  /** One head of one row. */
  private void attend(float[][] keys, float[][] values, int n, int row, int head, int worker, Workspace space) {
    int headDim = attention.headDim();
    int at = row * attention.queryWidth() + head * headDim;
    int headOffset = head / (attention.heads() / attention.kvHeads()) * n * headDim;
    float[] scores = space.scores(worker, n);
    kernels.scores(space.queries(), at, headDim, keys, n, headOffset, 0, n, attention.scale(), scores);
    RelativeBias bias = attention.relativeBias();
    if (bias != null && weights.relativeBias() != null) {
      bias.add(weights.relativeBias()[head], row, 0, scores, n);
    }
    kernels.softmax(scores, 0, n);
    kernels.weightedSum(scores, values, n, headOffset, headDim, headDim, 0, n, space.mixed(), at);
  }
}
