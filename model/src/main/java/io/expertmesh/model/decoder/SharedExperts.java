package io.expertmesh.model.decoder;

import io.expertmesh.kernels.ExactMath;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import org.jspecify.annotations.Nullable;

/** What a shared expert's output counts. */
public final class SharedExperts {
  private SharedExperts() {}

  /**
   * Its weight for token {@code token}: {@code sigmoid(gate(x))}, or 1 without a gate.
   *
   * @param gate (1, hidden) or null
   * @param hidden (tokens, hidden), normalised
   */
  public static float weight(@Nullable Matrix gate, Kernels kernels, float[] hidden, int token) {
    if (gate == null) {
      return 1f;
    }
    float[] logit = new float[1];
    kernels.matmul(gate, 0, 1, hidden, token * gate.cols(), gate.cols(), 1, logit, 0, 1);
    return ExactMath.sigmoid(logit[0]);
  }
}
