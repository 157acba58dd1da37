package io.expertmesh.gateway.openai;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.constraint.TokenConstraint;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.http.ApiError;
import io.expertmesh.gateway.http.ApiException;
import io.expertmesh.gateway.http.JsonFields;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/**
 * What chat and text completions have in common: how to sample, when to stop and what to report.
 *
 * @param stopStrings end the answer and are not part of it
 * @param stopTokenIds likewise, the model's end tokens included unless {@code ignore_eos}
 * @param n answers per prompt
 */
record GenerationOptions(
    SamplingParameters sampling,
    List<String> stopStrings,
    Set<Integer> stopTokenIds,
    int n,
    boolean stream,
    boolean includeUsage,
    boolean returnTokenIds,
    boolean returnRouting,
    ExpertMeshOptions expertMesh) {
  private static final int MAX_STOP_STRINGS = 4;
  private static final int MAX_STOP_TOKENS = 64;
  private static final int MAX_BIASES = 1024;

  static GenerationOptions read(JsonFields fields, ServedModel model, GatewayConfiguration configuration) {
    harmless(fields);
    boolean stream = fields.bool("stream", false);
    Set<Integer> stopTokenIds = new HashSet<>(stopTokenIds(fields, model.vocabularySize()));
    if (!fields.bool("ignore_eos", false)) {
      stopTokenIds.addAll(model.endTokenIds());
    }
    return new GenerationOptions(
        sampling(fields, model),
        stopStrings(fields),
        stopTokenIds,
        fields.whole("n", 1, configuration.maxAnswers(), 1),
        stream,
        includeUsage(fields, stream),
        fields.bool("return_token_ids", false),
        fields.bool("return_routing", false),
        ExpertMeshOptions.read(fields, configuration.unavailablePolicy()));
  }

  private static void harmless(JsonFields fields) {
    fields.harmless("user", "metadata", "safety_identifier", "prompt_cache_key");
    fields.refuse("store", "nothing is stored here", false);
    fields.refuse("service_tier", "there is one tier", "auto", "default");
  }

  private static SamplingParameters sampling(JsonFields fields, ServedModel model) {
    SamplingParameters defaults = model.samplingDefaults();
    int topK = fields.whole("top_k", -1, model.vocabularySize(), defaults.topK());
    return new SamplingParameters(
        fields.number("temperature", 0, 2, defaults.temperature()),
        Math.max(topK, 0),
        fields.number("top_p", 0, 1, defaults.topP()),
        fields.number("min_p", 0, 1, defaults.minP()),
        fields.number("repetition_penalty", 0.01, 100, defaults.repetitionPenalty()),
        fields.number("presence_penalty", -2, 2, defaults.presencePenalty()),
        fields.number("frequency_penalty", -2, 2, defaults.frequencyPenalty()),
        logitBias(fields, model.vocabularySize()),
        fields.whole("seed", Long.MIN_VALUE, Long.MAX_VALUE));
  }

  private static Map<Integer, Float> logitBias(JsonFields fields, int vocabularySize) {
    JsonFields biases = fields.object("logit_bias");
    if (biases == null) {
      return Map.of();
    }
    if (biases.names().size() > MAX_BIASES) {
      throw ApiException.invalid("logit_bias",
          "'logit_bias' has %d entries; at most %d are taken.".formatted(biases.names().size(), MAX_BIASES));
    }
    Map<Integer, Float> byToken = new HashMap<>();
    for (String token : biases.names()) {
      byToken.put(tokenId(token, vocabularySize), biases.number(token, -100, 100, 0));
    }
    return byToken;
  }

  private static int tokenId(String text, int vocabularySize) {
    try {
      int id = Integer.parseInt(text);
      if (id >= 0 && id < vocabularySize) {
        return id;
      }
    } catch (NumberFormatException notANumber) {
      // Refused below.
    }
    throw ApiException.invalid("logit_bias",
        "'%s' in 'logit_bias' is not a token id of this model; ids are 0 to %d.".formatted(text, vocabularySize - 1));
  }

  private static List<String> stopStrings(JsonFields fields) {
    JsonNode stop = fields.any("stop");
    if (stop == null) {
      return List.of();
    }
    List<String> strings = new ArrayList<>();
    if (stop.isString()) {
      strings.add(stop.stringValue());
    } else if (stop instanceof ArrayNode several && several.valueStream().allMatch(JsonNode::isString)) {
      several.forEach(one -> strings.add(one.stringValue()));
    } else {
      throw JsonFields.wrongType("stop", "a string or an array of strings", stop);
    }
    if (strings.size() > MAX_STOP_STRINGS) {
      throw ApiException.invalid("stop",
          "'stop' has %d strings; at most %d are taken.".formatted(strings.size(), MAX_STOP_STRINGS));
    }
    if (strings.contains("")) {
      throw ApiException.invalid("stop", "'stop' has an empty string, which would end every answer at once.");
    }
    return strings;
  }

  private static Set<Integer> stopTokenIds(JsonFields fields, int vocabularySize) {
    ArrayNode ids = fields.array("stop_token_ids");
    if (ids == null) {
      return Set.of();
    }
    if (ids.size() > MAX_STOP_TOKENS) {
      throw ApiException.invalid("stop_token_ids",
          "'stop_token_ids' has %d ids; at most %d are taken.".formatted(ids.size(), MAX_STOP_TOKENS));
    }
    Set<Integer> stopTokenIds = new HashSet<>();
    ids.forEach(id -> stopTokenIds.add((int) JsonFields.whole("stop_token_ids", id, 0, vocabularySize - 1L)));
    return stopTokenIds;
  }

  private static boolean includeUsage(JsonFields fields, boolean stream) {
    JsonFields options = fields.object("stream_options");
    if (options == null) {
      return false;
    }
    if (!stream) {
      throw ApiException.invalid("stream_options", "'stream_options' is only for 'stream': true.");
    }
    boolean includeUsage = options.bool("include_usage", false);
    options.harmless("include_obfuscation");
    options.end();
    return includeUsage;
  }

  /**
   * The engine's request for answer {@code choice} to {@code promptIds}. The first one has the caller's seed and the
   * others seeds that follow from it.
   *
   * @param maxTokens at most; null for what the context has room for
   */
  GenerationRequest request(String id, int[] promptIds, int choice, @Nullable Integer maxTokens, ServedModel model,
      int logprobs, int promptLogprobs, @Nullable TokenConstraint constraint) {
    int room = model.contextLength() - promptIds.length;
    if (maxTokens == null ? room < 1 : maxTokens > room) {
      throw new ApiException(ApiError.badRequest("max_tokens", "context_length_exceeded",
          "This model's context is %d tokens. The prompt has %d and %s were asked for: shorten one of them.".formatted(
              model.contextLength(), promptIds.length, maxTokens == null ? "more" : maxTokens + " more")));
    }
    return new GenerationRequest(id, promptIds, maxTokens == null ? room : maxTokens, seeded(choice), stopTokenIds,
        logprobs, promptLogprobs, returnRouting, constraint, expertMesh.whenUnavailable());
  }

  private SamplingParameters seeded(int choice) {
    Long seed = sampling.seed();
    if (seed == null || choice == 0) {
      return sampling;
    }
    long derived = seed + choice * 0x9E3779B97F4A7C15L;
    return new SamplingParameters(sampling.temperature(), sampling.topK(), sampling.topP(), sampling.minP(),
        sampling.repetitionPenalty(), sampling.presencePenalty(), sampling.frequencyPenalty(), sampling.logitBias(),
        derived);
  }
}
