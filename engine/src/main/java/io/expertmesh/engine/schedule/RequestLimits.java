package io.expertmesh.engine.schedule;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;

/** Refuses requests that can never run. */
final class RequestLimits {
  private final Architecture model;
  private final EngineConfiguration configuration;

  RequestLimits(Architecture model, EngineConfiguration configuration) {
    this.model = model;
    this.configuration = configuration;
  }

  /**
   * @throws FailureException INVALID_REQUEST or TOO_LARGE
   */
  void check(GenerationRequest request) {
    int n = request.promptIds().length;
    if (n == 0) {
      throw FailureException.invalidParameter("prompt", "the prompt is empty; it needs at least one token");
    }
    for (int id : request.promptIds()) {
      checkTokenId("prompt", id);
    }
    for (int id : request.sampling().logitBias().keySet()) {
      checkTokenId("logit_bias", id);
    }
    if (request.maxTokens() < 0) {
      throw FailureException.invalidParameter("max_tokens",
          "max_tokens is %d; it must not be negative".formatted(request.maxTokens()));
    }
    if (n > model.contextLength()) {
      throw new FailureException(FailureCategory.TOO_LARGE,
          "the prompt has %d tokens, but the model's context holds %d".formatted(n, model.contextLength()));
    }
    long positions = Math.min((long) n + request.maxTokens(), model.contextLength());
    long held = (long) configuration.kvPages() * configuration.pageTokens();
    if (positions > held) {
      throw new FailureException(FailureCategory.TOO_LARGE,
          "prompt and answer take %d positions, but the key-value cache holds %d; ask for fewer tokens or give java more heap"
              .formatted(positions, held));
    }
  }

  private void checkTokenId(String parameter, int id) {
    if (id < 0 || id >= model.vocabularySize()) {
      throw FailureException.invalidParameter(parameter,
          "token id %d is not in the vocabulary of 0 to %d".formatted(id, model.vocabularySize() - 1));
    }
  }
}
