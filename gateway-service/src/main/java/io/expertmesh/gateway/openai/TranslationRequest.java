package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.text.DecoderStart;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import io.expertmesh.model.tokenizer.TranslationLanguages;
import io.expertmesh.model.tokenizer.TranslationLanguages.Language;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/**
 * A request to {@code /translate}. Translations are greedy: the same text has the same translation.
 *
 * @param inputs token ids of each text for the encoder
 * @param several whether the texts came in an array
 */
record TranslationRequest(GenerationOptions options, List<int[]> inputs, boolean several, Language target) {
  static TranslationRequest read(JsonFields fields, ServedModel model, TranslationLanguages languages,
      GatewayConfiguration configuration) {
    JsonNode q = fields.any("q");
    if (q == null) {
      throw ApiException.invalid("q", "'q' is missing: the text to translate.");
    }
    Language source = language(fields, "source", languages);
    Language target = language(fields, "target", languages);
    ModelName.check(fields, model);
    fields.refuse("format", "texts are plain", "text");
    fields.refuse("alternatives", "there is one translation", 0);
    fields.harmless("api_key");
    ExpertMeshOptions own = ExpertMeshOptions.read(fields, configuration.unavailablePolicy());
    fields.end();
    List<String> texts = texts(q);
    if (texts.size() > configuration.maxAnswers()) {
      throw ApiException.invalid("q", "'q' has %d texts; this server takes %d in one request."
          .formatted(texts.size(), configuration.maxAnswers()));
    }
    List<int[]> inputs = new ArrayList<>();
    for (String text : texts) {
      inputs.add(languages.encode(text, source));
    }
    GenerationOptions options = new GenerationOptions(SamplingParameters.GREEDY, List.of(), model.endTokenIds(), 1,
        false, false, false, false, own);
    return new TranslationRequest(options, inputs, q instanceof ArrayNode, target);
  }

  private static Language language(JsonFields fields, String field, TranslationLanguages languages) {
    String code = fields.string(field);
    if (code == null || code.equals("auto")) {
      throw ApiException.invalid(field,
          "'%s' must be a language of /languages; languages are not detected.".formatted(field));
    }
    return languages.language(code, field);
  }

  private static List<String> texts(JsonNode q) {
    if (q.isString()) {
      return List.of(q.stringValue());
    }
    List<String> texts = new ArrayList<>();
    if (q instanceof ArrayNode several && !several.isEmpty() && several.valueStream().allMatch(JsonNode::isString)) {
      several.forEach(text -> texts.add(text.stringValue()));
      return texts;
    }
    throw JsonFields.wrongType("q", "a string or an array of strings", q);
  }

  /** One request per text. */
  List<GenerationRequest> generations(String id, ServedModel model) {
    DecoderStart start = Objects.requireNonNull(model.decoderStart());
    List<GenerationRequest> requests = new ArrayList<>();
    for (int[] input : inputs) {
      requests
          .add(options.request(id, start.promptIds(target.tokenId()), 0, null, model, -1, -1,
              null).with(start.input(input)));
    }
    return requests;
  }
}
