package io.expertmesh.model.family;

import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.decoder.ExpertWeights;
import java.util.ArrayList;
import java.util.List;

/** The ways in which checkpoints store the experts of a layer. */
final class ExpertTensors {
  private ExpertTensors() {}

  /**
   * All experts of a layer, from whichever of these the checkpoint has under {@code prefix}:
   * <ul>
   *   <li>{@code .E.gate_proj.weight}, {@code .E.up_proj.weight} (I, H), {@code .E.down_proj.weight} (H, I);
   *   <li>{@code .gate_up_proj} (E, 2I, H), gate rows first, and {@code .down_proj} (E, H, I);
   *   <li>{@code .gate_proj}, {@code .up_proj} (E, I, H) and {@code .down_proj} (E, H, I), as GGUF files have them.
   * </ul>
   */
  static List<ExpertWeights> bind(TensorBinder tensors, String prefix, int hidden, MixtureOfExperts moe) {
    int n = moe.experts();
    int size = moe.expertSize();
    List<ExpertWeights> experts = new ArrayList<>(n);
    for (int e = 0; e < n; e++) {
      if (tensors.has(prefix + ".gate_up_proj")) {
        WeightMatrix gateUp = tensors.stacked(prefix + ".gate_up_proj", e, n, 2 * size, hidden);
        experts.add(new ExpertWeights(
            tensors.prepare(gateUp.slice(gateUp.name() + ".gate", 0, size)),
            tensors.prepare(gateUp.slice(gateUp.name() + ".up", size, 2 * size)),
            tensors.prepare(tensors.stacked(prefix + ".down_proj", e, n, hidden, size))));
      } else if (tensors.has(prefix + ".gate_proj")) {
        experts.add(new ExpertWeights(
            tensors.prepare(tensors.stacked(prefix + ".gate_proj", e, n, size, hidden)),
            tensors.prepare(tensors.stacked(prefix + ".up_proj", e, n, size, hidden)),
            tensors.prepare(tensors.stacked(prefix + ".down_proj", e, n, hidden, size))));
      } else {
        String expert = prefix + "." + e + ".";
        experts.add(new ExpertWeights(
            tensors.matrix(expert + "gate_proj.weight", size, hidden),
            tensors.matrix(expert + "up_proj.weight", size, hidden),
            tensors.matrix(expert + "down_proj.weight", hidden, size)));
      }
    }
    return experts;
  }
}
