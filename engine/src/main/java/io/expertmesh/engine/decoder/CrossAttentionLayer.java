package io.expertmesh.engine.decoder;

import io.expertmesh.engine.decoder.ParallelMatmul.Product;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;

/** Attention of one layer over the encoded input of each row's request. */
final class CrossAttentionLayer implements DenseLayer {
  private final int layer;
  private final CrossAttention attention;
  private final AttentionWeights weights;
  private final Kernels kernels;
  private final WorkerPool pool;
  private final ParallelMatmul matmul;

  CrossAttentionLayer(int layer, CrossAttention attention, AttentionWeights weights, Kernels kernels,
      WorkerPool pool) {
    this.layer = layer;
    this.attention = attention;
    this.weights = weights;
    this.kernels = kernels;
    this.pool = pool;
    this.matmul = new ParallelMatmul(kernels, pool);
  }

  @Override
  public void forward(Rows rows, Workspace space) {
    int n = rows.count();
    matmul.multiply(space.normed(), n, new Product(weights.query(), weights.biases().query(), space.queries()));
    pool.run(n * attention.heads(), (task, worker) -> attend(rows.encoded(task % n), task % n, task / n, worker, space));
    matmul.multiply(space.mixed(), n, new Product(weights.output(), weights.biases().output(), space.delta()));
  }

  /** One head of one row. */
  private void attend(EncodedInput input, int row, int head, int worker, Workspace space) {
    int headDim = attention.headDim();
    int at = row * attention.width() + head * headDim;
    int seen = input.tokens();
    int headOffset = head * seen * headDim;
    float[] scores = space.scores(worker, seen);
    float[][] keys = {input.keys()[layer]};
    float[][] values = {input.values()[layer]};
    kernels.scores(space.queries(), at, headDim, keys, seen, headOffset, 0, seen, attention.scale(), scores);
    kernels.softmax(scores, 0, seen);
    kernels.weightedSum(scores, values, seen, headOffset, headDim, headDim, 0, seen, space.mixed(), at);
  }
}
