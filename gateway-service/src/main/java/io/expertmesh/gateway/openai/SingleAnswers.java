package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.http.JsonFields;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads requests for one answer that did not come over HTTP, with the fields and by the rules of those that do. */
public final class SingleAnswers {
  private final ServedModel model;
  private final Constraints constraints;

  public SingleAnswers(ServedModel model) {
    this.model = model;
    this.constraints = new Constraints(model.tokenizer());
  }

  /**
   * One answer.
   *
   * @param stopStrings end the answer and are not part of it
   */
  public record SingleAnswer(GenerationRequest generation, List<String> stopStrings) {}

  /**
   * Reads the fields of {@code /v1/chat/completions} if there are {@code messages}, otherwise those of
   * {@code /v1/completions}, which may have a {@code response_format} here and as many tokens as the context has room
   * for.
   *
   * @throws io.expertmesh.gateway.http.ApiException naming the field that is wrong
   */
  public SingleAnswer read(ObjectNode fields, String id) {
    if (fields.has("messages")) {
      ChatRequest chat = ChatRequest.read(new JsonFields(fields), model, 1);
      return new SingleAnswer(chat.generations(id, model, constraints).getFirst(), chat.options().stopStrings());
    }
    ResponseFormat format = takeFormat(fields);
    CompletionRequest completion = CompletionRequest.read(new JsonFields(fields), model, 1);
    Integer maxTokens = fields.has("max_tokens") ? completion.maxTokens() : null;
    GenerationRequest generation = completion.options().request(id, completion.prompts().getFirst().ids(), 0,
        maxTokens, model, completion.logprobs(), -1, constraints.of(format));
    return new SingleAnswer(generation, completion.options().stopStrings());
  }

  private static ResponseFormat takeFormat(ObjectNode fields) {
    @Nullable
    JsonNode format = fields.remove("response_format");
    return format == null
        ? new ResponseFormat.Text()
        : ResponseFormat.read(new JsonFields(Json.NODES.objectNode().set("response_format", format)));
  }
}
