package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.TopK;
import io.expertmesh.model.architecture.MixtureOfExperts;
import java.util.Set;

/** The router of a mixture-of-experts layer: softmax over all experts, then the k best. */
public final class Gate {
  private final MixtureOfExperts moe;
  private final Matrix weight;
  private final Kernels kernels;

  /**
   * @param weight (experts, hidden)
   */
  public Gate(MixtureOfExperts moe, Matrix weight, Kernels kernels) {
    this.moe = moe;
    this.weight = weight;
    this.kernels = kernels;
  }

  /** A routing for {@code tokens} tokens whose rows {@link #route} fills. */
  public Routing newRouting(int tokens) {
    return new Routing(tokens, moe.topK(), new int[tokens * moe.topK()], new float[tokens * moe.topK()]);
  }

  /**
   * Routes token {@code token}; different tokens may be routed by different threads.
   *
   * @param hidden (tokens, hidden), normalised
   */
  public void route(float[] hidden, int token, Routing routing) {
    route(hidden, token, Set.of(), routing);
  }

  /**
   * Routes token {@code token} to the best of the experts that are not {@code missing}, by the same softmax. If there
   * are fewer than the token needs, the rest of its assignments has weight 0; if there are none, all weights are 0 or
   * NaN.
   */
  public void route(float[] hidden, int token, Set<Integer> missing, Routing routing) {
    int experts = moe.experts();
    float[] scores = new float[experts];
    kernels.matmul(weight, 0, experts, hidden, token * weight.cols(), weight.cols(), 1, scores, 0, experts);
    kernels.softmax(scores, 0, experts);
    for (int expert : missing) {
      scores[expert] = 0f;
    }
    int[] best = new int[moe.topK()];
    TopK.select(scores, 0, experts, best);
    float sum = 1f;
    if (moe.normalizeTopK()) {
      sum = 0f;
      for (int expert : best) {
        sum += scores[expert];
      }
    }
    int at = token * moe.topK();
    for (int rank = 0; rank < best.length; rank++) {
      routing.expertIds()[at + rank] = best[rank];
      routing.weights()[at + rank] = scores[best[rank]] / sum;
    }
  }
}
