package io.expertmesh.engine.api;

import java.util.List;

/**
 * Experts that the gate chose for at least one token of a request and that were replaced or left out.
 *
 * @param layer number of the model's layer
 * @param experts ids, ascending
 */
public record Degradation(int layer, List<Integer> experts) {
  public Degradation {
    experts = List.copyOf(experts);
  }
}
