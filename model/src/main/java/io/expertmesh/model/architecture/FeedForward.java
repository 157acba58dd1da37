package io.expertmesh.model.architecture;

/**
 * A feed-forward network: {@code down(activation(gate(x), up(x)))}, or {@code down(activation(up(x)))}.
 *
 * @param size width of its hidden layer
 * @param bias whether its matrices have biases
 */
public record FeedForward(int size, Activation activation, boolean bias) implements Operation {
  /** {@code down(silu(gate(x)) * up(x))}. */
  public static FeedForward gatedSilu(int size) {
    return new FeedForward(size, new Activation.GatedSilu(), false);
  }
}
