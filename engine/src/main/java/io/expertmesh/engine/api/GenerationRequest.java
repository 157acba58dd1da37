package io.expertmesh.engine.api;

import io.expertmesh.engine.constraint.TokenConstraint;
import io.expertmesh.engine.watch.RequestWatch;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One sequence to generate.
 *
 * @param id for logs; answers to one question of a client share it
 * @param promptIds token ids, at least one; for an encoder-decoder model those that its decoder starts with
 * @param maxTokens tokens to generate at most; 0 only runs the prompt
 * @param stopTokenIds ids that end the answer and are not part of its text: the model's end tokens (unless
 *     {@code ignore_eos}) and the caller's
 * @param logprobs alternatives to report per generated token; -1 reports no log-probabilities at all
 * @param promptLogprobs likewise per prompt token
 * @param constraint which tokens may come next; null allows all. It belongs to this request alone
 * @param whenUnavailable what happens when experts are missing
 * @param encoderInput null for a decoder-only model
 * @param watch hears how it fares; null if nobody does
 */
public record GenerationRequest(
    String id,
    int[] promptIds,
    int maxTokens,
    SamplingParameters sampling,
    Set<Integer> stopTokenIds,
    int logprobs,
    int promptLogprobs,
    boolean returnRouting,
    @Nullable TokenConstraint constraint,
    WhenUnavailable whenUnavailable,
    @Nullable EncoderInput encoderInput,
    @Nullable RequestWatch watch) {
  public GenerationRequest {
    stopTokenIds = Set.copyOf(stopTokenIds);
  }

  /** A request that fails when experts are missing. */
  public GenerationRequest(String id, int[] promptIds, int maxTokens, SamplingParameters sampling,
      Set<Integer> stopTokenIds, int logprobs, int promptLogprobs, boolean returnRouting,
      @Nullable TokenConstraint constraint) {
    this(id, promptIds, maxTokens, sampling, stopTokenIds, logprobs, promptLogprobs, returnRouting, constraint,
        WhenUnavailable.STRICT);
  }

  /** A request to a decoder-only model. */
  public GenerationRequest(String id, int[] promptIds, int maxTokens, SamplingParameters sampling,
      Set<Integer> stopTokenIds, int logprobs, int promptLogprobs, boolean returnRouting,
      @Nullable TokenConstraint constraint, WhenUnavailable whenUnavailable) {
    this(id, promptIds, maxTokens, sampling, stopTokenIds, logprobs, promptLogprobs, returnRouting, constraint,
        whenUnavailable, null, null);
  }

  /** The same request after the encoder has read {@code input}. */
  public GenerationRequest with(EncoderInput input) {
    return new GenerationRequest(id, promptIds, maxTokens, sampling, stopTokenIds, logprobs, promptLogprobs,
        returnRouting, constraint, whenUnavailable, input, watch);
  }

  /** The same request with another wish for missing experts. */
  public GenerationRequest with(WhenUnavailable wish) {
    return new GenerationRequest(id, promptIds, maxTokens, sampling, stopTokenIds, logprobs, promptLogprobs,
        returnRouting, constraint, wish, encoderInput, watch);
  }

  /** The same request, watched. */
  public GenerationRequest watched(@Nullable RequestWatch watcher) {
    return new GenerationRequest(id, promptIds, maxTokens, sampling, stopTokenIds, logprobs, promptLogprobs,
        returnRouting, constraint, whenUnavailable, encoderInput, watcher);
  }
}
