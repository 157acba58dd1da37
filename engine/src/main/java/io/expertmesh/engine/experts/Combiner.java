package io.expertmesh.engine.experts;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.Routing;
import java.util.Arrays;

/** Adds up the experts' outputs, weighted, in ascending expert id: the only place where gate weights are applied. */
public final class Combiner {
  private final Kernels kernels;
  private final WorkerPool pool;

  public Combiner(Kernels kernels, WorkerPool pool) {
    this.kernels = kernels;
    this.pool = pool;
  }

  /**
   * out = sum over the token's experts of weight * output.
   *
   * @param outputs (plan.rows, hidden)
   * @param out (tokens, hidden)
   */
  public void combine(DispatchPlan plan, Routing routing, float[] outputs, int hidden, float[] out) {
    pool.ranges(routing.tokens(), 4, (from, to, worker) -> {
      for (int token = from; token < to; token++) {
        Arrays.fill(out, token * hidden, (token + 1) * hidden, 0f);
        for (int i = 0; i < routing.topK(); i++) {
          int row = plan.rowsOfToken()[token * routing.topK() + i];
          if (row == DispatchPlan.NO_ROW) {
            break;
          }
          float weight = routing.weights()[plan.assignments()[row]];
          kernels.addScaled(out, token * hidden, outputs, row * hidden, weight, hidden);
        }
      }
    });
  }
}
