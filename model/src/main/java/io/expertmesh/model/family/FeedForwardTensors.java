package io.expertmesh.model.family;

import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.decoder.FeedForwardWeights.Biases;
import io.expertmesh.model.family.TensorNames.FeedForwardNames;
import org.jspecify.annotations.Nullable;

/** The ways in which checkpoints store feed-forward networks. */
final class FeedForwardTensors {
  private final TensorBinder tensors;
  private final int hidden;

  FeedForwardTensors(TensorBinder tensors, int hidden) {
    this.tensors = tensors;
    this.hidden = hidden;
  }

  /** The network whose matrices are {@code prefix + name + ".weight"}. */
  StoredFeedForward dense(String prefix, FeedForwardNames names, FeedForward network) {
    int size = network.size();
    int gate = size * network.activation().gateWidth();
    return new StoredFeedForward(network.activation(),
        gate == 0 ? null : matrix(prefix + names.gate(), gate, hidden),
        matrix(prefix + names.up(), size, hidden),
        matrix(prefix + names.down(), hidden, size),
        network.bias()
            ? new Biases(gate == 0 ? null : tensors.vector(prefix + names.gate() + ".bias", gate),
                tensors.vector(prefix + names.up() + ".bias", size),
                tensors.vector(prefix + names.down() + ".bias", hidden))
            : null);
  }

  private StoredMatrix matrix(String name, int rows, int cols) {
    return StoredMatrix.plain(tensors.stored(name + ".weight", rows, cols));
  }

  /**
   * Expert {@code id} of a layer, from whichever of these the checkpoint has under {@code prefix}:
   * <ul>
   *   <li>{@code .E.} and the usual names of a network;
   *   <li>{@code .gate_up_proj} (E, 2I, H), gate rows first, and {@code .down_proj} (E, H, I);
   *   <li>{@code .gate_proj}, {@code .up_proj} (E, I, H) and {@code .down_proj} (E, H, I), as GGUF files have them.
   * </ul>
   */
  StoredFeedForward expert(String prefix, FeedForwardNames names, MixtureOfExperts moe, int id) {
    int size = moe.expert().size();
    if (tensors.has(prefix + ".gate_up_proj")) {
      StoredMatrix gateUp = stacked(prefix + ".gate_up_proj", id, moe, 2 * size, hidden);
      return fused(moe, gateUp.take(0, 1, size), gateUp.take(size, 1, size),
          stacked(prefix + ".down_proj", id, moe, hidden, size), null);
    }
    if (tensors.has(prefix + ".gate_proj")) {
      return fused(moe, stacked(prefix + ".gate_proj", id, moe, size, hidden),
          stacked(prefix + ".up_proj", id, moe, size, hidden),
          stacked(prefix + ".down_proj", id, moe, hidden, size), null);
    }
    return dense(prefix + "." + id + ".", names, moe.expert());
  }

  private static StoredFeedForward fused(MixtureOfExperts moe, StoredMatrix gate, StoredMatrix up,
      StoredMatrix down, @Nullable Biases biases) {
    return new StoredFeedForward(moe.expert().activation(), gate, up, down, biases);
  }

  private StoredMatrix stacked(String name, int id, MixtureOfExperts moe, int rows, int cols) {
    return StoredMatrix.plain(tensors.stacked(name, id, moe.experts(), rows, cols));
  }
}
