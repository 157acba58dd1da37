package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import java.util.List;

/** Runs the feed-forward networks of a layer's experts, each over the token rows that were sent to it. */
public final class ExpertRunner {
  /** Outputs per task: small enough to balance the threads, large enough to stream weights. */
  private static final int OUTPUTS_PER_TASK = 128;

  private final Kernels kernels;
  private final WorkerPool pool;
  private float[] gate = new float[0];
  private float[] up = new float[0];

  public ExpertRunner(Kernels kernels, WorkerPool pool) {
    this.kernels = kernels;
    this.pool = pool;
  }

  /**
   * out = down(silu(gate(x)) * up(x)), expert by expert.
   *
   * @param experts the experts that have rows
   * @param starts expert i has the rows starts[i] to starts[i + 1] (exclusive)
   * @param x (rows, hidden), grouped by expert
   * @param out (rows, hidden)
   */
  public void forward(List<ExpertWeights> experts, int[] starts, float[] x, float[] out) {
    if (experts.isEmpty()) {
      return;
    }
    int hidden = experts.getFirst().gate().cols();
    int size = experts.getFirst().gate().rows();
    int rows = starts[experts.size()];
    if (gate.length < rows * size) {
      gate = new float[rows * size];
      up = new float[rows * size];
    }
    int sizeTasks = Math.ceilDiv(size, OUTPUTS_PER_TASK);
    pool.run(experts.size() * sizeTasks, (task, worker) -> {
      int i = task / sizeTasks;
      int from = task % sizeTasks * OUTPUTS_PER_TASK;
      int to = Math.min(size, from + OUTPUTS_PER_TASK);
      int n = starts[i + 1] - starts[i];
      ExpertWeights expert = experts.get(i);
      kernels.matmul(expert.gate(), from, to, x, starts[i] * hidden, hidden, n, gate, starts[i] * size, size);
      kernels.matmul(expert.up(), from, to, x, starts[i] * hidden, hidden, n, up, starts[i] * size, size);
      for (int row = starts[i]; row < starts[i + 1]; row++) {
        kernels.gatedSilu(gate, row * size + from, up, row * size + from, to - from);
      }
    });
    int hiddenTasks = Math.ceilDiv(hidden, OUTPUTS_PER_TASK);
    pool.run(experts.size() * hiddenTasks, (task, worker) -> {
      int i = task / hiddenTasks;
      int from = task % hiddenTasks * OUTPUTS_PER_TASK;
      int to = Math.min(hidden, from + OUTPUTS_PER_TASK);
      kernels.matmul(experts.get(i).down(), from, to, gate, starts[i] * size, size, starts[i + 1] - starts[i], out,
          starts[i] * hidden, hidden);
    });
  }
}
