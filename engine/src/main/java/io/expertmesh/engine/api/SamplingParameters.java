package io.expertmesh.engine.api;

import io.expertmesh.model.failure.FailureException;
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

  /**
   * @throws FailureException INVALID_REQUEST naming the parameter that is out of its range
   */
  public SamplingParameters {
    require(temperature >= 0 && Float.isFinite(temperature), "temperature", temperature, "0 or more");
    require(topK >= 0, "top_k", topK, "0 (all) or more");
    require(topP >= 0 && topP <= 1, "top_p", topP, "from 0 to 1");
    require(minP >= 0 && minP <= 1, "min_p", minP, "from 0 to 1");
    require(repetitionPenalty > 0 && Float.isFinite(repetitionPenalty), "repetition_penalty", repetitionPenalty,
        "above 0");
    require(Float.isFinite(presencePenalty), "presence_penalty", presencePenalty, "a finite number");
    require(Float.isFinite(frequencyPenalty), "frequency_penalty", frequencyPenalty, "a finite number");
    logitBias = Map.copyOf(logitBias);
  }

  private static void require(boolean valid, String name, Number value, String range) {
    if (!valid) {
      throw FailureException.invalidParameter(name, "%s is %s; it must be %s".formatted(name, value, range));
    }
  }
}
