package io.expertmesh.engine.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WorkerPool;

/** Matrix products whose outputs are spread over the threads. */
final class ParallelMatmul {
  private static final int OUTPUTS_PER_TASK = 128;

  private final Kernels kernels;
  private final WorkerPool pool;

  ParallelMatmul(Kernels kernels, WorkerPool pool) {
    this.kernels = kernels;
    this.pool = pool;
  }

  /** out (n, weight.rows) = x (n, weight.cols) * weight^T. */
  void multiply(Matrix weight, float[] x, int n, float[] out) {
    pool.run(tasks(weight), (task, worker) -> part(weight, task, x, n, out));
  }

  /** Three products of the same x in one go. */
  void multiply(Matrix a, float[] outA, Matrix b, float[] outB, Matrix c, float[] outC, float[] x, int n) {
    int tasksA = tasks(a);
    int tasksB = tasks(b);
    pool.run(tasksA + tasksB + tasks(c), (task, worker) -> {
      if (task < tasksA) {
        part(a, task, x, n, outA);
      } else if (task < tasksA + tasksB) {
        part(b, task - tasksA, x, n, outB);
      } else {
        part(c, task - tasksA - tasksB, x, n, outC);
      }
    });
  }

  private static int tasks(Matrix weight) {
    return Math.ceilDiv(weight.rows(), OUTPUTS_PER_TASK);
  }

  private void part(Matrix weight, int task, float[] x, int n, float[] out) {
    int from = task * OUTPUTS_PER_TASK;
    int to = Math.min(weight.rows(), from + OUTPUTS_PER_TASK);
    kernels.matmul(weight, from, to, x, 0, weight.cols(), n, out, 0, weight.rows());
  }
}
