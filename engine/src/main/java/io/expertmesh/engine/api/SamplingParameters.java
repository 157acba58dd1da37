package io.expertmesh.engine.api;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How the next token is chosen. The order is: logit bias and constraint, penalties, temperature, top_k, top_p, min_p,
 * draw.
 *
 * @param temperature 0 takes the most likely token (ties: lowest id)
 * @param topK keep the k most likely; 0 keeps all
 * @param topP keep the smallest set with at least this probability; 1 keeps all
 * @param minP keep tokens with at least this share of the most likely one's probability; 0 keeps all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens seen in prompt or answer (CTRL); 1 is off
 * @param presencePenalty subtracted once from each token already in the answer
 * @param frequencyPenalty subtracted for each time a token is already in the answer
 * @param logitBias added to the logits of these token ids
 * @param seed same seed, same text; null draws one
 */
public record SamplingParameters(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    float presencePenalty,
    float frequencyPenalty,
    Map<Integer, Float> logitBias,
    @Nullable Long seed) {
  /** Always the most likely token. */
  public static final SamplingParameters GREEDY = new SamplingParameters(0, 0, 1, 0, 1, 0, 0, Map.of(), null);

  public SamplingParameters {
    logitBias = Map.copyOf(logitBias);
  }
}
