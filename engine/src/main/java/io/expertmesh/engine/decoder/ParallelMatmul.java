package io.expertmesh.engine.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WorkerPool;
import org.jspecify.annotations.Nullable;

/** Matrix products whose outputs are spread over the threads. */
final class ParallelMatmul {
  private static final int OUTPUTS_PER_TASK = 128;

  private final Kernels kernels;
  private final WorkerPool pool;

  ParallelMatmul(Kernels kernels, WorkerPool pool) {
    this.kernels = kernels;
    this.pool = pool;
  }

  /**
   * A product with every row of the same x.
   *
   * @param bias (weight.rows) or null
   * @param out (n, weight.rows)
   */
  record Product(Matrix weight, float @Nullable [] bias, float[] out) {}

  /** out (n, weight.rows) = x (n, weight.cols) * weight^T + bias, for each product in one go. */
  void multiply(float[] x, int n, Product... products) {
    int tasks = 0;
    for (Product product : products) {
      tasks += tasks(product.weight());
    }
    pool.run(tasks, (task, worker) -> {
      int first = 0;
      for (Product product : products) {
        int last = first + tasks(product.weight());
        if (task < last) {
          part(product, task - first, x, n);
          return;
        }
        first = last;
      }
    });
  }

  private static int tasks(Matrix weight) {
    return Math.ceilDiv(weight.rows(), OUTPUTS_PER_TASK);
  }

  private void part(Product product, int task, float[] x, int n) {
    Matrix weight = product.weight();
    float[] bias = product.bias();
    int from = task * OUTPUTS_PER_TASK;
    int to = Math.min(weight.rows(), from + OUTPUTS_PER_TASK);
    kernels.matmul(weight, from, to, x, 0, weight.cols(), n, product.out(), 0, weight.rows());
    if (bias != null) {
      for (int row = 0; row < n; row++) {
        kernels.addScaled(product.out(), row * weight.rows() + from, bias, from, 1f, to - from);
      }
    }
  }
}
