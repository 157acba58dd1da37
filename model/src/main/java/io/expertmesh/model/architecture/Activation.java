package io.expertmesh.model.architecture;

/** What happens between the first and the last matrix of a feed-forward network; g is the gate's output, u up's. */
public sealed interface Activation {
  /** Outputs of the gate for each output of {@code up}; 0 if there is no gate. */
  default int gateWidth() {
    return 1;
  }

  /** {@code silu(g) * u}. */
  record GatedSilu() implements Activation {}

  /** {@code g1 * silu(g2) * u}, where the gate's output is (g1, g2), twice as wide: OpenMoE. */
  record DoubleGatedSilu() implements Activation {
    @Override
    public int gateWidth() {
      return 2;
    }
  }

  /**
   * {@code (u + 1) * g * sigmoid(alpha * g)} with {@code g = min(g, limit)} and {@code u = clamp(u, -limit, limit)}:
   * gpt-oss.
   */
  record ClampedSwish(float alpha, float limit) implements Activation {}

  /** {@code max(u, 0)}. */
  record Relu() implements Activation {
    @Override
    public int gateWidth() {
      return 0;
    }
  }
}
