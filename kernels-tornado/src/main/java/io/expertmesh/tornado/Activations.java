package io.expertmesh.tornado;

import io.expertmesh.model.architecture.Activation;
import uk.ac.manchester.tornado.api.math.TornadoMath;

/** The activations by number, as kernels take them; the number is a constant of the compiled kernel. */
final class Activations {
  static final int NONE = 0;
  static final int GATED_SILU = 1;
  static final int DOUBLE_GATED_SILU = 2;
  static final int CLAMPED_SWISH = 3;
  static final int RELU = 4;

  private Activations() {}

  static int number(Activation activation) {
    return switch (activation) {
      case Activation.GatedSilu() -> GATED_SILU;
      case Activation.DoubleGatedSilu() -> DOUBLE_GATED_SILU;
      case Activation.ClampedSwish _ -> CLAMPED_SWISH;
      case Activation.Relu() -> RELU;
    };
  }

  static float alpha(Activation activation) {
    return activation instanceof Activation.ClampedSwish(float alpha, float _) ? alpha : 0f;
  }

  static float limit(Activation activation) {
    return activation instanceof Activation.ClampedSwish(float _, float limit) ? limit : 0f;
  }

  /**
   * Compiled into kernels.
   *
   * @param u up's output
   * @param g the gate's output, or the first half of it
   * @param g2 the second half
   */
  static float apply(int activation, float u, float g, float g2, float alpha, float limit) {
    if (activation == GATED_SILU) {
      return silu(g) * u;
    }
    if (activation == DOUBLE_GATED_SILU) {
      return g * silu(g2) * u;
    }
    if (activation == CLAMPED_SWISH) {
      float clamped = TornadoMath.min(g, limit);
      float swish = clamped / (1f + TornadoMath.exp(-alpha * clamped));
      return (TornadoMath.min(TornadoMath.max(u, -limit), limit) + 1f) * swish;
    }
    if (activation == RELU) {
      return TornadoMath.max(u, 0f);
    }
    return u;
  }

  private static float silu(float g) {
    return g / (1f + TornadoMath.exp(-g));
  }
}
