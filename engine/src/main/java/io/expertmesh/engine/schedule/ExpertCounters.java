package io.expertmesh.engine.schedule;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.decoder.Routing;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/** Token rows per mixture layer and expert since the start; one thread counts, any thread reads. */
final class ExpertCounters {
  private final List<AtomicLongArray> layers;

  ExpertCounters(Architecture model) {
    layers = model.moeLayers().stream().map(layer -> new AtomicLongArray(model.experts())).toList();
  }

  /**
   * Counts the rows of a step.
   *
   * @param first number of the first mixture layer that it went through
   * @param routings by mixture layer from there on
   */
  void count(int first, List<Routing> routings) {
    for (int layer = 0; layer < routings.size(); layer++) {
      AtomicLongArray counts = layers.get(first + layer);
      int[] experts = routings.get(layer).expertIds();
      float[] weights = routings.get(layer).weights();
      for (int i = 0; i < experts.length; i++) {
        if (weights[i] != 0) {
          counts.setOpaque(experts[i], counts.getOpaque(experts[i]) + 1);
        }
      }
    }
  }

  /** (mixture layers, experts). */
  long[][] snapshot() {
    long[][] snapshot = new long[layers.size()][];
    for (int layer = 0; layer < snapshot.length; layer++) {
      AtomicLongArray counts = layers.get(layer);
      snapshot[layer] = new long[counts.length()];
      for (int expert = 0; expert < counts.length(); expert++) {
        snapshot[layer][expert] = counts.getOpaque(expert);
      }
    }
    return snapshot;
  }
}
