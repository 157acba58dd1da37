package io.expertmesh.engine.experts;

import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.decoder.LayerExperts;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The experts in this process, computed at once on the engine's threads. */
public final class LocalExperts implements ExpertClient {
  private final DecoderWeights weights;
  private final int hiddenSize;
  private final FeedForwardRunner runner;
  private final WorkerPool pool;
  private float[] gathered = new float[0];

  public LocalExperts(DecoderWeights weights, int hiddenSize, FeedForwardRunner runner, WorkerPool pool) {
    this.weights = weights;
    this.hiddenSize = hiddenSize;
    this.runner = runner;
    this.pool = pool;
  }

  @Override
  public ExpertCall forward(int layer, DispatchPlan plan, float[] hidden, float[] outputs) {
    if (gathered.length < plan.rows() * hiddenSize) {
      gathered = new float[plan.rows() * hiddenSize];
    }
    pool.ranges(plan.rows(), 16, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        System.arraycopy(hidden, plan.tokens()[row] * hiddenSize, gathered, row * hiddenSize, hiddenSize);
      }
    });
    LayerExperts all = weights.experts(layer);
    List<FeedForwardWeights> active = new ArrayList<>(plan.expertIds().length);
    for (int id : plan.expertIds()) {
      active.add(all.get(id));
    }
    runner.forward(active, plan.starts(), gathered, outputs);
    return List::of;
  }

  @Override
  public Set<Integer> unavailable() {
    return Set.of();
  }

  @Override
  public int microBatches() {
    return 1;
  }

  @Override
  public void onAvailabilityChange(Runnable listener) {
    // They are always there.
  }
}
