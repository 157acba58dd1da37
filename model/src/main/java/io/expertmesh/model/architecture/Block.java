package io.expertmesh.model.architecture;

/**
 * One layer: {@code x += attention(norm(x)); x += moe(norm(x))}.
 */
public record Block(Attention attention, MixtureOfExperts moe) {}
