package io.expertmesh.engine.api;

/**
 * Where one token's hidden state went.
 *
 * @param experts expert ids by (MoE layer, rank)
 * @param weights gate weights by (MoE layer, rank); 0 where a capacity limit dropped the assignment
 */
public record TokenRouting(int[][] experts, float[][] weights) {}
