package io.expertmesh.model.architecture;

/** What a residual branch computes, from (tokens, hidden) to (tokens, hidden). */
public sealed interface Operation
    permits Attention, LatentAttention, CrossAttention, FeedForward, MixtureOfExperts {}
