package io.expertmesh.engine.api;

import io.expertmesh.model.failure.FailureException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happens to a request. */
public sealed interface GenerationEvent {
  /**
   * The whole prompt went through the model.
   *
   * @param logprobs one entry per prompt token when prompt log-probabilities were asked for, the first one null
   *     because nothing comes before it; otherwise empty
   * @param routing one entry per prompt token when routing was asked for; otherwise empty
   * @param reusedTokens leading prompt tokens whose keys and values came from the prefix cache
   */
  record PromptDone(List<@Nullable TokenLogprobs> logprobs, List<TokenRouting> routing,
      int reusedTokens) implements GenerationEvent {}

  /**
   * A token was sampled. A token that ends the answer is reported too, before Finished.
   *
   * @param logprobs if log-probabilities were asked for
   */
  record Token(int id, @Nullable TokenLogprobs logprobs) implements GenerationEvent {}

  /**
   * The request ended by itself.
   *
   * @param generatedRouting one entry per generated token that went through the model (the last one does not), when
   *     routing was asked for
   * @param degraded what of the whole request was not computed as the model says, by ascending layer; empty unless the
   *     request's policy is SUBSTITUTE or DROP and experts were missing
   */
  record Finished(FinishReason reason, int promptTokens, int generatedTokens, List<TokenRouting> generatedRouting,
      List<Degradation> degraded) implements GenerationEvent {}

  /** The request was given up by the engine. */
  record Failed(FailureException failure) implements GenerationEvent {}
}
