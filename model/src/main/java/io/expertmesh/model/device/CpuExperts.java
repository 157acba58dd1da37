package io.expertmesh.model.device;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Experts on the CPU, in the checkpoint's own memory unless the kernels have a layout of their own. */
public final class CpuExperts implements ExpertDevice {
  /** One row streams the weights; several share them. */
  private static final List<Integer> ROW_COUNTS = List.of(1, 4);

  private record Expert(int layer, int id, FeedForwardWeights weights) implements LoadedExpert {}

  private final Kernels kernels;
  private final FeedForwardRunner runner;
  private final List<FeedForwardWeights> active = new ArrayList<>();

  /**
   * @param pool whose threads compute
   */
  public CpuExperts(Kernels kernels, WorkerPool pool) {
    this.kernels = kernels;
    this.runner = new FeedForwardRunner(kernels, pool);
  }

  @Override
  public String name() {
    return "cpu " + kernels.name();
  }

  @Override
  public Numerics numerics() {
    return kernels.numerics();
  }

  @Override
  public List<Integer> rowCounts() {
    return ROW_COUNTS;
  }

  @Override
  public LoadedExpert load(ExpertWeights weights) {
    return new Expert(weights.layer(), weights.id(), new FeedForwardWeights(weights.activation(),
        prepared(weights.gate()), kernels.prepare(weights.up()), kernels.prepare(weights.down()), weights.biases()));
  }

  private @Nullable Matrix prepared(@Nullable WeightMatrix matrix) {
    return matrix == null ? null : kernels.prepare(matrix);
  }

  @Override
  public void forward(List<LoadedExpert> experts, int[] starts, float[] x, float[] out) {
    active.clear();
    for (LoadedExpert expert : experts) {
      active.add(((Expert) expert).weights());
    }
    try {
      runner.forward(active, starts, x, out);
    } finally {
      active.clear();
    }
  }

  /** Nothing: its memory is the checkpoint's, or free when nobody knows the expert any more. */
  @Override
  public void release(LoadedExpert expert) {}

  /** Nothing: the threads are the caller's. */
  @Override
  public void close() {}
}
