package io.expertmesh.engine.text;

import io.expertmesh.engine.api.SamplingParameters;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/**
 * What a checkpoint says about how to generate with it.
 *
 * @param endTokenIds tokens that end an answer
 * @param sampling the model's recommended sampling; what it leaves open is OpenAI's default (temperature 1, nothing cut)
 */
public record GenerationConfig(Set<Integer> endTokenIds, SamplingParameters sampling) {
  public GenerationConfig {
    endTokenIds = Set.copyOf(endTokenIds);
  }

  /**
   * Reads {@code generation_config.json} and, for what it lacks, {@code config.json}. {@code do_sample} is not looked
   * at: it says what the Python library does by default, not what the model needs.
   *
   * @param generationConfig an empty object or a missing node if the checkpoint has none
   */
  public static GenerationConfig of(JsonNode generationConfig, JsonNode config) {
    JsonNode end = generationConfig.hasNonNull("eos_token_id")
        ? generationConfig.get("eos_token_id")
        : config.path("eos_token_id");
    Set<Integer> endTokenIds = new TreeSet<>();
    if (end.isArray()) {
      end.forEach(id -> endTokenIds.add(id.asInt()));
    } else if (end.isIntegralNumber()) {
      endTokenIds.add(end.asInt());
    }
    SamplingParameters sampling = new SamplingParameters(
        number(generationConfig, "temperature", 1),
        (int) number(generationConfig, "top_k", 0),
        number(generationConfig, "top_p", 1),
        number(generationConfig, "min_p", 0),
        number(generationConfig, "repetition_penalty", 1),
        0,
        0,
        Map.of(),
        null);
    return new GenerationConfig(endTokenIds, sampling);
  }

  private static float number(JsonNode node, String field, float absent) {
    JsonNode value = node.path(field);
    return value.isNumber() ? value.floatValue() : absent;
  }
}
