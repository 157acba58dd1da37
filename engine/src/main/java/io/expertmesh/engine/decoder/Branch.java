package io.expertmesh.engine.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.decoder.DecoderWeights.NormWeights;
import io.expertmesh.model.decoder.DecoderWeights.ResidualWeights;
import io.expertmesh.model.decoder.Norms;

/** What surrounds an operation: {@code x += scale * after(operation(before(x)))}. */
final class Branch {
  private final Residual residual;
  private final ResidualWeights weights;
  private final int width;
  private final Kernels kernels;
  private final WorkerPool pool;

  Branch(Residual residual, ResidualWeights weights, int hiddenSize, Kernels kernels, WorkerPool pool) {
    this.residual = residual;
    this.weights = weights;
    this.width = hiddenSize;
    this.kernels = kernels;
    this.pool = pool;
  }

  /** normed = before(hidden). */
  void enter(Part part) {
    Norm norm = residual.before();
    NormWeights w = weights.before();
    float[] hidden = part.space().hidden();
    float[] normed = part.space().normed();
    if (norm == null || w == null) {
      System.arraycopy(hidden, 0, normed, 0, part.count() * width);
      return;
    }
    forRows(part, at -> Norms.apply(kernels, norm, w, hidden, at, normed, at));
  }

  /** hidden += scale * after(delta). */
  void leave(Part part) {
    Norm norm = residual.after();
    NormWeights w = weights.after();
    float[] hidden = part.space().hidden();
    float[] delta = part.space().delta();
    forRows(part, at -> {
      if (norm != null && w != null) {
        Norms.apply(kernels, norm, w, delta, at, delta, at);
      }
      kernels.addScaled(hidden, at, delta, at, residual.scale(), width);
    });
  }

  private interface RowTask {
    /**
     * @param at where the row begins
     */
    void run(int at);
  }

  private void forRows(Part part, RowTask task) {
    pool.ranges(part.count(), 4, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        task.run(row * width);
      }
    });
  }
}
