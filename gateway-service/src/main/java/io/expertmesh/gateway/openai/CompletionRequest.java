package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.EncoderInput;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.constraint.TokenConstraint;
import io.expertmesh.engine.text.DecoderStart;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request to {@code /v1/completions}.
 *
 * @param prompts of an encoder-decoder model: what its encoder reads
 * @param decoderPrompt what its decoder begins with; null for what the checkpoint says, and in a decoder-only model
 * @param maxTokens 0 only with {@code echo}
 * @param logprobs alternatives per token; -1 for no log-probabilities
 */
record CompletionRequest(GenerationOptions options, List<Prompt> prompts, @Nullable Prompt decoderPrompt,
    int maxTokens, boolean echo, int logprobs) {
  private static final int DEFAULT_MAX_TOKENS = 16;
  private static final int MAX_LOGPROBS = 20;

  static CompletionRequest read(JsonFields fields, ServedModel model, GatewayConfiguration configuration) {
    ModelName.check(fields, model);
    boolean echo = fields.bool("echo", false);
    CompletionRequest request = new CompletionRequest(
        GenerationOptions.read(fields, model, configuration),
        Prompt.readAll(fields, model),
        decoderPrompt(fields, model),
        fields.whole("max_tokens", echo ? 0 : 1, Integer.MAX_VALUE, DEFAULT_MAX_TOKENS),
        echo,
        fields.whole("logprobs", 0, MAX_LOGPROBS, -1));
    fields.refuse("suffix", "these models only continue text", "");
    fields.refuse("best_of", "ask for 'n' answers and choose", 1);
    if (echo && model.decoderStart() != null) {
      throw ApiException.invalid("echo",
          "'echo' is not for an encoder-decoder model: its answer does not continue the prompt.");
    }
    fields.refuse("response_format", "it is for /v1/chat/completions");
    fields.end();
    int answers = request.prompts.size() * request.options.n();
    if (answers > configuration.maxAnswers()) {
      throw ApiException.invalid("prompt",
          "%d prompts with n = %d make %d answers; this server takes %d in one request.".formatted(
              request.prompts.size(), request.options.n(), answers, configuration.maxAnswers()));
    }
    return request;
  }

  private static @Nullable Prompt decoderPrompt(JsonFields fields, ServedModel model) {
    DecoderStart start = model.decoderStart();
    if (start == null) {
      fields.refuse("decoder_prompt", "this is not an encoder-decoder model");
      return null;
    }
    return Prompt.ofDecoder(fields, model, start);
  }

  /**
   * The engine's request for answer {@code choice} to {@code prompt}.
   *
   * @param maxTokens at most; null for what the context has room for
   */
  GenerationRequest generation(String id, Prompt prompt, int choice, @Nullable Integer maxTokens, ServedModel model,
      @Nullable TokenConstraint constraint) {
    int promptLogprobs = echo ? logprobs : -1;
    DecoderStart start = model.decoderStart();
    if (start == null) {
      return options.request(id, prompt.ids(), choice, maxTokens, model, logprobs, promptLogprobs, constraint);
    }
    int[] decoderIds = decoderPrompt == null ? start.promptIds() : decoderPrompt.ids();
    EncoderInput input = decoderPrompt == null
        ? start.input(prompt.ids())
        : new EncoderInput(prompt.ids(), decoderIds.length);
    return options.request(id, decoderIds, choice, maxTokens, model, logprobs, promptLogprobs, constraint).with(input);
  }

  /** One request per answer: all for the first prompt, then all for the next. */
  List<GenerationRequest> generations(String id, ServedModel model) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (Prompt prompt : prompts) {
      for (int choice = 0; choice < options.n(); choice++) {
        requests.add(generation(id, prompt, choice, maxTokens, model, null));
      }
    }
    return requests;
  }

  /** Whether answers go on with a text that the request gives; an encoder's input is none. */
  boolean continuesPrompt(ServedModel model) {
    return model.decoderStart() == null || decoderPrompt != null;
  }

  /** The prompt that the answer {@code index} continues. */
  Prompt prompt(int index) {
    return prompts.get(index / options.n());
  }
}
