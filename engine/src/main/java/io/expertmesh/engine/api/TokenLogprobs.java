package io.expertmesh.engine.api;

import java.util.List;

/**
 * Natural-log probabilities at one position, from the raw logits (before penalties, masks and temperature).
 *
 * @param tokenId the token at this position
 * @param logprob its log-probability
 * @param rank its rank among all tokens, 0 is the most likely
 * @param top the most likely tokens, best first; as many as were asked for
 */
public record TokenLogprobs(int tokenId, float logprob, int rank, List<Alternative> top) {
  public record Alternative(int tokenId, float logprob) {}
}
