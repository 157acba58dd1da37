package io.expertmesh.engine.schedule;

import io.expertmesh.engine.api.EncoderInput;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import org.jspecify.annotations.Nullable;

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
    checkInput(request.encoderInput());
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

  private void checkInput(@Nullable EncoderInput input) {
    if ((input == null) != (model.encoder() == null)) {
      throw FailureException.invalidParameter("prompt",
          input == null ? "the model has an encoder; it needs an input" : "the model has no encoder for an input");
    }
    if (input == null) {
      return;
    }
    if (input.ids().length == 0) {
      throw FailureException.invalidParameter("prompt", "the input is empty; the encoder needs at least one token");
    }
    if (input.ids().length > model.contextLength()) {
      throw new FailureException(FailureCategory.TOO_LARGE, "the input has %d tokens, but the model's context holds %d"
          .formatted(input.ids().length, model.contextLength()));
    }
    for (int id : input.ids()) {
      checkTokenId("prompt", id);
    }
  }

  private void checkTokenId(String parameter, int id) {
    if (id < 0 || id >= model.vocabularySize()) {
      throw FailureException.invalidParameter(parameter,
          "token id %d is not in the vocabulary of 0 to %d".formatted(id, model.vocabularySize() - 1));
    }
  }
}
