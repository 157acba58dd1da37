package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.decoder.FeedForwardWeights.Biases;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A feed-forward network as the checkpoint stores it, its shapes checked, none of its matrices touched.
 *
 * @param gate (size * activation.gateWidth, hidden); null without a gate
 * @param up (size, hidden)
 * @param down (hidden, size)
 * @param biases null if the matrices have none
 */
public record StoredFeedForward(Activation activation, @Nullable StoredMatrix gate, StoredMatrix up,
    StoredMatrix down, @Nullable Biases biases) {
  List<StoredMatrix> matrices() {
    List<StoredMatrix> matrices = new ArrayList<>(3);
    if (gate != null) {
      matrices.add(gate);
    }
    matrices.add(up);
    matrices.add(down);
    return matrices;
  }
}
