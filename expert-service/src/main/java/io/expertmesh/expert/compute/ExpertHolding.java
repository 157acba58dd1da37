package io.expertmesh.expert.compute;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.family.ModelExperts;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The experts that the process holds, in all layers. Read by any thread; changed by one at a time. */
public final class ExpertHolding {
  private final ModelExperts model;
  private final Kernels kernels;
  /** By id, then by layer. Replaced as a whole. */
  private volatile TreeMap<Integer, @Nullable FeedForwardWeights[]> held = new TreeMap<>();

  public ExpertHolding(ModelExperts model, Kernels kernels) {
    this.model = model;
    this.kernels = kernels;
  }

  /** Ascending. */
  public List<Integer> ids() {
    return List.copyOf(held.keySet());
  }

  /** The weights of an expert; null if it is not held, or the layer has no experts. */
  @Nullable
  FeedForwardWeights find(int layer, int id) {
    @Nullable
    FeedForwardWeights[] layers = held.get(id);
    return layers == null ? null : layers[layer];
  }

  /** Loads what is missing of {@code ids} and does not hold it yet; takes as long as reading and quantising takes. */
  public Map<Integer, @Nullable FeedForwardWeights[]> load(Collection<Integer> ids) {
    Map<Integer, @Nullable FeedForwardWeights[]> loaded = new TreeMap<>();
    for (int id : ids) {
      if (!held.containsKey(id)) {
        @Nullable
        FeedForwardWeights[] layers = new @Nullable FeedForwardWeights[model.layers()];
        for (int layer : model.architecture().moeLayers()) {
          layers[layer] = model.load(layer, id, kernels);
        }
        loaded.put(id, layers);
      }
    }
    return loaded;
  }

  /** From now on also holds {@code loaded}. */
  public synchronized void add(Map<Integer, @Nullable FeedForwardWeights[]> loaded) {
    TreeMap<Integer, @Nullable FeedForwardWeights[]> next = new TreeMap<>(held);
    next.putAll(loaded);
    held = next;
  }

  /** Gives up all but {@code ids}. Batches that wait have their weights and are computed. */
  public synchronized void retain(Collection<Integer> ids) {
    TreeMap<Integer, @Nullable FeedForwardWeights[]> next = new TreeMap<>(held);
    next.keySet().retainAll(ids);
    held = next;
  }

  /** Such as {@code experts 0-7,12}. */
  @Override
  public String toString() {
    List<Integer> ids = ids();
    StringBuilder text = new StringBuilder(ids.isEmpty() ? "none" : "experts ");
    for (int i = 0; i < ids.size(); i++) {
      int first = ids.get(i);
      while (i + 1 < ids.size() && ids.get(i + 1) == ids.get(i) + 1) {
        i++;
      }
      text.append(text.charAt(text.length() - 1) == ' ' ? "" : ",").append(first);
      if (ids.get(i) > first) {
        text.append('-').append(ids.get(i));
      }
    }
    return text.toString();
  }
}
