package io.expertmesh.engine.api;

/**
 * Where one token's hidden state went.
 *
 * @param experts expert ids by (MoE layer, rank)
 * @param weights gate weights by (MoE layer, rank); 0 where the assignment was left out
 */
public record TokenRouting(int[][] experts, float[][] weights) {}
