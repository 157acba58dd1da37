package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Matrix;

/**
 * One expert: {@code down(silu(gate(x)) * up(x))}.
 *
 * @param gate (expertSize, hidden)
 * @param up (expertSize, hidden)
 * @param down (hidden, expertSize)
 */
public record ExpertWeights(Matrix gate, Matrix up, Matrix down) {}
