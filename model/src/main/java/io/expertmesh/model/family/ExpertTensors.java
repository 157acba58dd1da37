package io.expertmesh.model.family;

import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.decoder.ExpertWeights;
import io.expertmesh.model.decoder.LayerExperts;
import org.jspecify.annotations.Nullable;

/** The ways in which checkpoints store the experts of a layer. */
final class ExpertTensors {
  private ExpertTensors() {}

  /**
   * Expert {@code id} of a layer, from whichever of these the checkpoint has under {@code prefix}:
   * <ul>
   *   <li>{@code .E.gate_proj.weight}, {@code .E.up_proj.weight} (I, H), {@code .E.down_proj.weight} (H, I);
   *   <li>{@code .gate_up_proj} (E, 2I, H), gate rows first, and {@code .down_proj} (E, H, I);
   *   <li>{@code .gate_proj}, {@code .up_proj} (E, I, H) and {@code .down_proj} (E, H, I), as GGUF files have them.
   * </ul>
   */
  static StoredExpert stored(TensorBinder tensors, String prefix, int hidden, MixtureOfExperts moe, int id) {
    int n = moe.experts();
    int size = moe.expertSize();
    if (tensors.has(prefix + ".gate_up_proj")) {
      WeightMatrix gateUp = tensors.stacked(prefix + ".gate_up_proj", id, n, 2 * size, hidden);
      return new StoredExpert(
          gateUp.slice(gateUp.name() + ".gate", 0, size),
          gateUp.slice(gateUp.name() + ".up", size, 2 * size),
          tensors.stacked(prefix + ".down_proj", id, n, hidden, size));
    }
    if (tensors.has(prefix + ".gate_proj")) {
      return new StoredExpert(
          tensors.stacked(prefix + ".gate_proj", id, n, size, hidden),
          tensors.stacked(prefix + ".up_proj", id, n, size, hidden),
          tensors.stacked(prefix + ".down_proj", id, n, hidden, size));
    }
    String expert = prefix + "." + id + ".";
    return new StoredExpert(
        tensors.stored(expert + "gate_proj.weight", size, hidden),
        tensors.stored(expert + "up_proj.weight", size, hidden),
        tensors.stored(expert + "down_proj.weight", hidden, size));
  }

  /** The experts of a layer that are selected; the others are checked and not loaded. */
  static LayerExperts bind(TensorBinder tensors, String prefix, int hidden, MixtureOfExperts moe,
      ExpertSelection selection) {
    @Nullable
    ExpertWeights[] experts = new @Nullable ExpertWeights[moe.experts()];
    for (int id = 0; id < moe.experts(); id++) {
      StoredExpert stored = stored(tensors, prefix, hidden, moe, id);
      experts[id] = selection.holds(id) ? load(tensors, stored) : null;
    }
    return new LayerExperts(experts);
  }

  static ExpertWeights load(TensorBinder tensors, StoredExpert stored) {
    return new ExpertWeights(tensors.prepare(stored.gate()), tensors.prepare(stored.up()),
        tensors.prepare(stored.down()));
  }
}
