package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.model.tokenizer.ChatMessage;
import io.expertmesh.model.tokenizer.ChatTemplate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request to {@code /v1/chat/completions}.
 *
 * @param prompt the messages as the model's chat template writes them
 * @param maxTokens null for what the context has room for
 * @param logprobs alternatives per token; -1 for no log-probabilities
 * @param tools null if the model calls nothing
 */
record ChatRequest(GenerationOptions options, Prompt prompt, @Nullable Integer maxTokens, int logprobs,
    ResponseFormat responseFormat, @Nullable ToolUse tools) {
  private static final int MAX_LOGPROBS = 20;
  private static final String OLD_TOOLS = "it is the older form of tools and tool_choice; use these";
  private static final String TEXT_ONLY = "these models read and write text only";

  static ChatRequest read(JsonFields fields, ServedModel model, GatewayConfiguration configuration) {
    ModelName.check(fields, model);
    GenerationOptions options = GenerationOptions.read(fields, model, configuration);
    List<ChatMessage> messages = ChatMessages.read(fields);
    Integer maxTokens = maxTokens(fields);
    int logprobs = logprobs(fields);
    ResponseFormat responseFormat = ResponseFormat.read(fields);
    ToolUse tools = ToolUse.read(fields, model);
    refuseUnsupported(fields);
    fields.end();
    List<ObjectNode> descriptions = tools == null ? List.of() : tools.descriptions();
    return new ChatRequest(options, prompt(messages, descriptions, model, true), maxTokens, logprobs, responseFormat,
        tools);
  }

  /**
   * {@code messages} as the model reads them, ready for an answer if {@code addGenerationPrompt}.
   *
   * @param tools descriptions of what it may call
   */
  static Prompt prompt(List<ChatMessage> messages, List<ObjectNode> tools, ServedModel model,
      boolean addGenerationPrompt) {
    ChatTemplate template = model.chatTemplate();
    if (template == null) {
      throw new ApiException(ApiError.badRequest("messages", "no_chat_template",
          "The model '%s' has no chat template; use /v1/completions.".formatted(model.name())));
    }
    return Prompt.ofText("messages", template.render(messages, tools, addGenerationPrompt), model, false);
  }

  private static @Nullable Integer maxTokens(JsonFields fields) {
    Long old = fields.whole("max_tokens", 1, Integer.MAX_VALUE);
    Long current = fields.whole("max_completion_tokens", 1, Integer.MAX_VALUE);
    if (old != null && current != null && !old.equals(current)) {
      throw ApiException.invalid("max_tokens",
          "'max_tokens' (%d) and 'max_completion_tokens' (%d) contradict each other.".formatted(old, current));
    }
    Long either = current == null ? old : current;
    return either == null ? null : either.intValue();
  }

  private static int logprobs(JsonFields fields) {
    boolean wanted = fields.bool("logprobs", false);
    int alternatives = fields.whole("top_logprobs", 0, MAX_LOGPROBS, 0);
    if (alternatives > 0 && !wanted) {
      throw ApiException.invalid("top_logprobs", "'top_logprobs' is only for 'logprobs': true.");
    }
    return wanted ? alternatives : -1;
  }

  private static void refuseUnsupported(JsonFields fields) {
    fields.refuse("functions", OLD_TOOLS);
    fields.refuse("function_call", OLD_TOOLS, "none", "auto");
    for (String name : List.of("audio", "prediction", "web_search_options")) {
      fields.refuse(name, TEXT_ONLY);
    }
    ArrayNode modalities = fields.array("modalities");
    if (modalities != null && !modalities.toString().equals("[\"text\"]")) {
      fields.refuse("modalities", TEXT_ONLY);
    }
    fields.refuse("reasoning_effort", "these models have no reasoning effort to set", "none");
    fields.refuse("verbosity", "say in a message how long the answer should be", "medium");
    fields.refuse("echo", "it is for /v1/completions", false);
  }

  List<GenerationRequest> generations(String id, ServedModel model, Constraints constraints) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int choice = 0; choice < options.n(); choice++) {
      requests.add(options.request(id, prompt.ids(), choice, maxTokens, model, logprobs, -1,
          constraints.of(responseFormat, tools)));
    }
    return requests;
  }
}
