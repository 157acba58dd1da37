package io.expertmesh.gateway.openai;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonBody;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.gateway.http.JsonResponse;
import io.expertmesh.gateway.http.RequestIdFilter;
import io.expertmesh.gateway.security.Caller;
import io.expertmesh.gateway.trace.Traces;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.model.tokenizer.TranslationLanguages;
import io.expertmesh.model.tokenizer.TranslationLanguages.Language;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /translate} and {@code /languages} with LibreTranslate's fields, for models with language codes. */
@RestController
final class TranslateController {
  private final ModelVersions versions;
  private final AnswerService answers;
  private final Traces traces;
  private final GatewayConfiguration configuration;

  TranslateController(ModelVersions versions, AnswerService answers, Traces traces,
      GatewayConfiguration configuration) {
    this.versions = versions;
    this.answers = answers;
    this.traces = traces;
    this.configuration = configuration;
  }

  @PostMapping("/translate")
  void translate(HttpServletRequest request, HttpServletResponse response) throws IOException {
    ServedModel model = versions.main().model();
    JsonFields body = JsonBody.read(request);
    TranslationRequest translation = traces.prompt(
        () -> TranslationRequest.read(body, model, languages(model), configuration));
    Frame frame = Frame.of("trans-", versions, Caller.of(request), translation.options());
    answers.answer(request, response, frame, translation.generations(RequestIdFilter.of(request), frame.model()),
        new TranslationFormat(translation));
  }

  /** Every language, and that it can be translated into every other one. */
  @GetMapping("/languages")
  void languages(HttpServletResponse response) throws IOException {
    List<Language> all = languages(versions.main().model()).all();
    ArrayNode list = Json.NODES.arrayNode();
    for (Language language : all) {
      ObjectNode one = list.addObject().put("code", language.code()).put("name", language.name());
      ArrayNode targets = one.putArray("targets");
      all.forEach(target -> targets.add(target.code()));
    }
    JsonResponse.write(response, list);
  }

  private static TranslationLanguages languages(ServedModel model) {
    if (model.languages() == null) {
      throw new ApiException(ApiError.badRequest(null, "unsupported_endpoint",
          "The model '%s' is no translation model; use /v1/completions.".formatted(model.name())));
    }
    return model.languages();
  }
}
