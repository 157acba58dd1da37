package io.expertmesh.expert.compute;

import io.expertmesh.model.device.LoadedExpert;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Experts that a device has loaded, in all layers.
 *
 * @param byId by id, then by layer; null for layers without experts
 */
public record LoadedExperts(SortedMap<Integer, @Nullable HeldExpert[]> byId) {
  /** Ascending. */
  List<Integer> ids() {
    return List.copyOf(byId.keySet());
  }

  /** Expert {@code id} of a layer that has experts. */
  LoadedExpert get(int layer, int id) {
    @Nullable
    HeldExpert[] layers = byId.get(id);
    HeldExpert expert = layers == null ? null : layers[layer];
    if (expert == null) {
      throw new IllegalStateException("expert %d of layer %d is not loaded".formatted(id, layer));
    }
    return expert.loaded;
  }
}
