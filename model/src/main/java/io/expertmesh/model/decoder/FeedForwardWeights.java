package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Matrix;
import io.expertmesh.model.architecture.Activation;
import org.jspecify.annotations.Nullable;

/**
 * One feed-forward network: a dense layer's, a shared expert's or an expert's.
 *
 * @param gate (size * activation.gateWidth, hidden); null without a gate
 * @param up (size, hidden)
 * @param down (hidden, size)
 * @param biases null if the matrices have none
 */
public record FeedForwardWeights(Activation activation, @Nullable Matrix gate, Matrix up, Matrix down,
    @Nullable Biases biases) implements DecoderWeights.OperationWeights {
  /**
   * @param gate (size * activation.gateWidth); null without a gate
   * @param up (size)
   * @param down (hidden)
   */
  public record Biases(float @Nullable [] gate, float[] up, float[] down) {}

  /** Width of the hidden layer. */
  public int size() {
    return up.rows();
  }

  public int hidden() {
    return up.cols();
  }
}
