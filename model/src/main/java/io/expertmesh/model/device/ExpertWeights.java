package io.expertmesh.model.device;

import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.decoder.FeedForwardWeights.Biases;
import org.jspecify.annotations.Nullable;

/**
 * One expert of one layer in the checkpoint's own formats and memory, quantised if that was asked for, for a device to
 * take over: {@code down(activation(gate(x), up(x)))}.
 *
 * <p>Stored rows may be in another order ({@link WeightMatrix#order}) or have their scales beside them
 * ({@link WeightMatrix#scales}).
 *
 * @param layer index of the block in the model
 * @param id of the expert
 * @param gate (size * activation.gateWidth, hidden); null without a gate
 * @param up (size, hidden)
 * @param down (hidden, size)
 * @param biases null if the matrices have none
 */
public record ExpertWeights(int layer, int id, Activation activation, @Nullable WeightMatrix gate, WeightMatrix up,
    WeightMatrix down, @Nullable Biases biases) {
  /** Width of the hidden layer. */
  public int size() {
    return up.rows();
  }

  public int hidden() {
    return up.cols();
  }
}
