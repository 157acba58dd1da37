package io.expertmesh.model.device;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.decoder.FeedForwardWeights.Biases;
import org.jspecify.annotations.Nullable;

/**
 * One expert of one layer, in the checkpoint's own formats and memory or converted, for a device to take over:
 * {@code down(activation(gate(x), up(x)))}.
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

  /** These weights in the layout of {@code kernels}. */
  public FeedForwardWeights prepared(Kernels kernels) {
    return new FeedForwardWeights(activation, gate == null ? null : kernels.prepare(gate), kernels.prepare(up),
        kernels.prepare(down), biases);
  }

  /** Bytes of the matrices that are not mapped from files. */
  long ownBytes() {
    return ownBytes(up) + ownBytes(down) + (gate == null ? 0 : ownBytes(gate));
  }

  private static long ownBytes(WeightMatrix matrix) {
    return matrix.data().isMapped() ? 0 : matrix.data().byteSize();
  }
}
