package io.expertmesh.model.family;

import io.expertmesh.kernels.WeightMatrix;
import java.util.List;

/**
 * One expert of a layer as the checkpoint stores it, its shapes checked, none of its weights touched.
 *
 * @param gate (expertSize, hidden)
 * @param up (expertSize, hidden)
 * @param down (hidden, expertSize)
 */
public record StoredExpert(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {
  List<WeightMatrix> matrices() {
    return List.of(gate, up, down);
  }
}
