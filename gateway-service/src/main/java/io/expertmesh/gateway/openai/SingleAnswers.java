package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.gateway.security.Caller;
import io.expertmesh.gateway.trace.AnswerDescription;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.gateway.versions.ModelVersions.Version;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads requests for one answer that did not come over HTTP, with the fields and by the rules of those that do. */
public final class SingleAnswers {
  private final ModelVersions versions;
  private final GatewayConfiguration configuration;
  private final Constraints constraints;

  public SingleAnswers(ModelVersions versions, GatewayConfiguration configuration) {
    this.versions = versions;
    this.configuration = configuration;
    this.constraints = new Constraints(versions.main().model().tokenizer());
  }

  /**
   * One answer.
   *
   * @param version of the model that generates it
   * @param stopStrings end the answer and are not part of it
   * @param continuesPrompt whether it goes on with the prompt's text or is a text of its own
   */
  public record SingleAnswer(Version version, GenerationRequest generation, List<String> stopStrings,
      boolean continuesPrompt) {
    /** The same answer to the same request, watched or not. */
    public SingleAnswer with(GenerationRequest request) {
      return new SingleAnswer(version, request, stopStrings, continuesPrompt);
    }

    /** @param model as clients call it */
    public AnswerDescription description(String model) {
      return new AnswerDescription(continuesPrompt ? "text_completion" : "chat", model, version.name(),
          generation.id(), 1, generation.maxTokens());
    }
  }

  /**
   * Reads the fields of {@code /v1/chat/completions} if there are {@code messages}, otherwise those of
   * {@code /v1/completions}, which may have a {@code response_format} here and as many tokens as the context has room
   * for.
   *
   * @param id of the request in logs
   * @param caller who wants it; null where no keys are configured
   * @throws io.expertmesh.gateway.http.ApiException naming the field that is wrong
   */
  public SingleAnswer read(ObjectNode fields, String id, @Nullable Caller caller) {
    ServedModel model = versions.main().model();
    if (fields.has("messages")) {
      ChatRequest chat = ChatRequest.read(new JsonFields(fields), model, configuration);
      Version version = version(chat.options(), caller);
      return new SingleAnswer(version, chat.generations(id, version.model(), constraints).getFirst(),
          chat.options().stopStrings(), false);
    }
    ResponseFormat format = takeFormat(fields);
    CompletionRequest completion = CompletionRequest.read(new JsonFields(fields), model, configuration);
    Version version = version(completion.options(), caller);
    Integer maxTokens = fields.has("max_tokens") ? completion.maxTokens() : null;
    GenerationRequest generation = completion.generation(id, completion.prompts().getFirst(), 0, maxTokens,
        version.model(), constraints.of(format));
    return new SingleAnswer(version, generation, completion.options().stopStrings(),
        completion.continuesPrompt(version.model()));
  }

  private Version version(GenerationOptions options, @Nullable Caller caller) {
    return versions.choose(UUID.randomUUID().toString(), options.expertMesh().version(),
        caller == null ? null : caller.name());
  }

  private static ResponseFormat takeFormat(ObjectNode fields) {
    @Nullable
    JsonNode format = fields.remove("response_format");
    return format == null
        ? new ResponseFormat.Text()
        : ResponseFormat.read(new JsonFields(Json.NODES.objectNode().set("response_format", format)));
  }
}
