package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Activation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs feed-forward networks of one shape, such as the experts of a layer, each over its own token rows. */
public final class FeedForwardRunner {
  /** Outputs per task: small enough to balance the threads, large enough to stream weights. */
  private static final int OUTPUTS_PER_TASK = 128;

  private final Kernels kernels;
  private final WorkerPool pool;
  private float[] gate = new float[0];
  private float[] up = new float[0];

  public FeedForwardRunner(Kernels kernels, WorkerPool pool) {
    this.kernels = kernels;
    this.pool = pool;
  }

  /**
   * Network by network over its rows.
   *
   * @param networks those that have rows; all of the same shape
   * @param starts network i has the rows starts[i] to starts[i + 1] (exclusive)
   * @param x (rows, hidden), grouped by network
   * @param out (rows, hidden)
   */
  public void forward(List<FeedForwardWeights> networks, int[] starts, float[] x, float[] out) {
    if (networks.isEmpty()) {
      return;
    }
    FeedForwardWeights first = networks.getFirst();
    int hidden = first.hidden();
    int size = first.size();
    int gateWidth = first.activation().gateWidth();
    int rows = starts[networks.size()];
    if (up.length < rows * size || gate.length < rows * size * gateWidth) {
      gate = new float[rows * size * gateWidth];
      up = new float[rows * size];
    }
    int sizeTasks = Math.ceilDiv(size, OUTPUTS_PER_TASK);
    pool.run(networks.size() * sizeTasks, (task, worker) -> {
      int i = task / sizeTasks;
      int from = task % sizeTasks * OUTPUTS_PER_TASK;
      int to = Math.min(size, from + OUTPUTS_PER_TASK);
      widen(networks.get(i), from, to, x, starts[i], starts[i + 1]);
    });
    int hiddenTasks = Math.ceilDiv(hidden, OUTPUTS_PER_TASK);
    pool.run(networks.size() * hiddenTasks, (task, worker) -> {
      int i = task / hiddenTasks;
      int from = task % hiddenTasks * OUTPUTS_PER_TASK;
      int to = Math.min(hidden, from + OUTPUTS_PER_TASK);
      FeedForwardWeights network = networks.get(i);
      multiply(network.down(), network.biases() == null ? null : network.biases().down(), from, to, up, starts[i],
          starts[i + 1], out);
    });
  }

  /** Columns [from, to) of {@code up} become activation(gate(x), up(x)). */
  private void widen(FeedForwardWeights network, int from, int to, float[] x, int fromRow, int toRow) {
    FeedForwardWeights.Biases biases = network.biases();
    Matrix gateMatrix = network.gate();
    int size = network.size();
    int width = network.activation().gateWidth();
    multiply(network.up(), biases == null ? null : biases.up(), from, to, x, fromRow, toRow, up);
    if (gateMatrix != null) {
      for (int part = 0; part < width; part++) {
        multiply(gateMatrix, biases == null ? null : biases.gate(), part * size + from, part * size + to, x, fromRow,
            toRow, gate);
      }
    }
    for (int row = fromRow; row < toRow; row++) {
      int at = row * size + from;
      int gateAt = row * size * width + from;
      switch (network.activation()) {
        case Activation.GatedSilu() -> kernels.gatedSilu(gate, gateAt, up, at, to - from);
        case Activation.DoubleGatedSilu() -> {
          kernels.gatedSilu(gate, gateAt + size, gate, gateAt, to - from); // into g1
          kernels.multiply(gate, gateAt, up, at, to - from);
        }
        case Activation.ClampedSwish(float alpha, float limit) ->
          kernels.clampedSwish(gate, gateAt, up, at, to - from, alpha, limit);
        case Activation.Relu() -> kernels.relu(up, at, to - from);
      }
    }
  }

  private void multiply(Matrix weight, float @Nullable [] bias, int from, int to, float[] x, int fromRow, int toRow,
      float[] out) {
    kernels.matmul(weight, from, to, x, fromRow * weight.cols(), weight.cols(), toRow - fromRow, out,
        fromRow * weight.rows(), weight.rows());
    if (bias != null) {
      for (int row = fromRow; row < toRow; row++) {
        kernels.addScaled(out, row * weight.rows() + from, bias, from, 1f, to - from);
      }
    }
  }
}
