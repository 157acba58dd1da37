package io.expertmesh.engine.decoder;

import io.expertmesh.model.decoder.Routing;
import java.util.ArrayList;
import java.util.List;

/**
 * What became of a step.
 *
 * @param routings by layer, where each row of the step went; empty if no chunk was computed
 * @param outcomes by chunk
 */
public record StepResult(List<Routing> routings, List<ChunkOutcome> outcomes) {
  /** The routings of consecutive rows, by layer, as one. */
  static List<Routing> join(List<List<Routing>> parts) {
    if (parts.size() == 1) {
      return parts.getFirst();
    }
    List<Routing> joined = new ArrayList<>();
    for (int layer = 0; layer < parts.getFirst().size(); layer++) {
      int k = parts.getFirst().get(layer).topK();
      int tokens = 0;
      for (List<Routing> part : parts) {
        tokens += part.get(layer).tokens();
      }
      Routing whole = new Routing(tokens, k, new int[tokens * k], new float[tokens * k]);
      int at = 0;
      for (List<Routing> part : parts) {
        Routing routing = part.get(layer);
        System.arraycopy(routing.expertIds(), 0, whole.expertIds(), at, routing.tokens() * k);
        System.arraycopy(routing.weights(), 0, whole.weights(), at, routing.tokens() * k);
        at += routing.tokens() * k;
      }
      joined.add(whole);
    }
    return joined;
  }
}
