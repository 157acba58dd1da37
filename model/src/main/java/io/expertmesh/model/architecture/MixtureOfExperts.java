package io.expertmesh.model.architecture;

/**
 * A feed-forward network made of experts, each {@code down(silu(gate(x)) * up(x))}.
 *
 * @param experts number of experts
 * @param topK experts per token
 * @param normalizeTopK whether the weights of the chosen experts are divided by their sum
 * @param expertSize width of an expert's hidden layer
 */
public record MixtureOfExperts(int experts, int topK, boolean normalizeTopK, int expertSize) {}
