package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import java.util.ArrayList;
import java.util.List;

/**
 * A request to {@code /v1/completions}.
 *
 * @param maxTokens 0 only with {@code echo}
 * @param logprobs alternatives per token; -1 for no log-probabilities
 */
record CompletionRequest(GenerationOptions options, List<Prompt> prompts, int maxTokens, boolean echo, int logprobs) {
  private static final int DEFAULT_MAX_TOKENS = 16;
  private static final int MAX_LOGPROBS = 20;

  static CompletionRequest read(JsonFields fields, ServedModel model, GatewayConfiguration configuration) {
    ModelName.check(fields, model);
    boolean echo = fields.bool("echo", false);
    CompletionRequest request = new CompletionRequest(
        GenerationOptions.read(fields, model, configuration),
        Prompt.readAll(fields, model),
        fields.whole("max_tokens", echo ? 0 : 1, Integer.MAX_VALUE, DEFAULT_MAX_TOKENS),
        echo,
        fields.whole("logprobs", 0, MAX_LOGPROBS, -1));
    fields.refuse("suffix", "these models only continue text", "");
    fields.refuse("best_of", "ask for 'n' answers and choose", 1);
    fields.refuse("decoder_prompt", "this is not an encoder-decoder model");
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

  /** One request per answer: all for the first prompt, then all for the next. */
  List<GenerationRequest> generations(String id, ServedModel model) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (Prompt prompt : prompts) {
      for (int choice = 0; choice < options.n(); choice++) {
        requests.add(options.request(id + "-" + requests.size(), prompt.ids(), choice, maxTokens, model, logprobs,
            echo ? logprobs : -1, null));
      }
    }
    return requests;
  }

  /** The prompt that the answer {@code index} continues. */
  Prompt prompt(int index) {
    return prompts.get(index / options.n());
  }
}
