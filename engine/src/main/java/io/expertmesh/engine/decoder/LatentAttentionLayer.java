package io.expertmesh.engine.decoder;

import io.expertmesh.engine.decoder.ParallelMatmul.Product;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.decoder.DecoderWeights.LatentAttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;
import io.expertmesh.model.decoder.Norms;
import io.expertmesh.model.decoder.RotaryTable;

/** Latent attention of one layer over the rows of a step; the cache has one key per position and no values. */
final class LatentAttentionLayer implements DenseLayer {
  /** Rows that a task takes a head's up-projections to at a time. */
  private static final int ROWS_PER_TASK = 8;

  private final int layer;
  private final LatentAttention attention;
  private final LatentAttentionWeights weights;
  private final RotaryTable rotary;
  private final int pageTokens;
  private final Kernels kernels;
  private final WorkerPool pool;
  private final ParallelMatmul matmul;

  LatentAttentionLayer(int layer, LatentAttention attention, LatentAttentionWeights weights, RotaryTable rotary,
      int pageTokens, Kernels kernels, WorkerPool pool) {
    this.layer = layer;
    this.attention = attention;
    this.weights = weights;
    this.rotary = rotary;
    this.pageTokens = pageTokens;
    this.kernels = kernels;
    this.pool = pool;
    this.matmul = new ParallelMatmul(kernels, pool);
  }

  @Override
  public void forward(Rows rows, Workspace space) {
    int n = rows.count();
    Product cached = new Product(weights.down(), weights.downBias(), space.keys());
    Matrix queryDown = weights.queryDown();
    NormWeights queryNorm = weights.queryNorm();
    if (queryDown == null || queryNorm == null) {
      matmul.multiply(space.normed(), n, new Product(weights.query(), null, space.queries()), cached);
    } else {
      float[] latents = space.queryLatents();
      matmul.multiply(space.normed(), n, new Product(queryDown, weights.queryDownBias(), latents), cached);
      pool.ranges(n, 4, (from, to, worker) -> {
        for (int row = from; row < to; row++) {
          normalize(queryNorm, latents, row * queryDown.rows());
        }
      });
      matmul.multiply(latents, n, new Product(weights.query(), null, space.queries()));
    }
    pool.ranges(n, 4, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        placeRow(rows, row, space);
      }
    });
    int runs = Math.ceilDiv(n, ROWS_PER_TASK);
    // Head by head, so that neighbouring tasks read the same up-projections.
    pool.run(runs * attention.heads(), (task, worker) -> {
      int from = task % runs * ROWS_PER_TASK;
      attend(rows, from, Math.min(n, from + ROWS_PER_TASK), task / runs, worker, space);
    });
    matmul.multiply(space.mixed(), n, new Product(weights.output(), weights.outputBias(), space.delta()));
  }

  /** Turns one row's queries, and puts its normalised latent and turned key into the cache. */
  private void placeRow(Rows rows, int row, Workspace space) {
    int position = rows.position(row);
    int at = row * attention.cachedWidth();
    float[] cached = space.keys();
    normalize(weights.norm(), cached, at);
    rotary.rotate(kernels, cached, at + attention.rank(), 1, attention.rotary().dims(), position);
    rotary.rotate(kernels, space.queries(), row * attention.queryWidth() + attention.plainDim(), attention.heads(),
        attention.queryDim(), position);
    rows.cache(row).store(layer, position, cached, at, cached, at);
  }

  private void normalize(NormWeights norm, float[] x, int offset) {
    Norms.apply(kernels, attention.latentNorm(), norm, x, offset, x, offset);
  }

  /** One head of the rows [fromRow, toRow): into the latent space, attention there, out of it. */
  private void attend(Rows rows, int fromRow, int toRow, int head, int worker, Workspace space) {
    int n = toRow - fromRow;
    int rank = attention.rank();
    int width = attention.cachedWidth();
    int queryAt = fromRow * attention.queryWidth() + head * attention.queryDim();
    float[] queries = space.queries();
    float[] latents = space.latents(worker, n * (width + rank)); // queries (n, width), then outputs (n, rank)
    kernels.matmul(weights.keyUp().get(head), 0, rank, queries, queryAt, attention.queryWidth(), n, latents, 0, width);
    for (int i = 0; i < n; i++) {
      System.arraycopy(queries, queryAt + i * attention.queryWidth() + attention.plainDim(), latents,
          i * width + rank, attention.rotary().dims());
      float[][] pages = rows.cache(fromRow + i).keyPages(layer);
      int positions = rows.position(fromRow + i) + 1;
      float[] scores = space.scores(worker, positions);
      kernels.scores(latents, i * width, width, pages, pageTokens, 0, 0, positions, attention.scale(), scores);
      kernels.softmax(scores, 0, positions);
      kernels.weightedSum(scores, pages, pageTokens, 0, rank, width, 0, positions, latents, n * width + i * rank);
    }
    kernels.matmul(weights.valueUp().get(head), 0, attention.valueDim(), latents, n * width, rank, n, space.mixed(),
        fromRow * attention.valueWidth() + head * attention.valueDim(), attention.valueWidth());
  }
}
