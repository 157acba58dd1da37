package io.expertmesh.model.architecture;

import org.jspecify.annotations.Nullable;

/**
 * Experts of which each token uses a few, chosen by a router.
 *
 * @param experts number of experts
 * @param topK experts per token
 * @param expert each expert's network
 * @param shared a network that every token uses beside its experts; null for none
 */
public record MixtureOfExperts(int experts, int topK, Router router, FeedForward expert,
    @Nullable SharedExpert shared) implements Operation {

  /**
   * @param gated whether its output is multiplied by {@code sigmoid(gate(x))}, one number per token
   */
  public record SharedExpert(FeedForward network, boolean gated) {}
}
