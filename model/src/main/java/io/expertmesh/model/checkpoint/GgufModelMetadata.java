package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.nio.file.Path;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Puts what {@code config.json} and the tokenizer's files say of a model into a GGUF file's metadata. */
final class GgufModelMetadata {
  /** {@code general.file_type}: llama.cpp's {@code enum llama_ftype}. */
  private static final Map<DType, Integer> FILE_TYPES = Map.of(DType.F32, 0, DType.F16, 1, DType.Q4_0, 2, DType.Q8_0, 7,
      DType.BF16, 32);

  private GgufModelMetadata() {}

  /**
   * @param config of the model; rotation may be in {@code rope_parameters} or, as older files have it, at the top
   * @param configFile for messages
   * @param tokenizer folder of {@code tokenizer.json}
   * @param vocabulary rows of the embedding
   * @return whether there is a tokenizer
   */
  static boolean write(GgufWriter writer, GgufArchitecture architecture, JsonNode config, Path configFile,
      Path tokenizer, int vocabulary, String name, DType dtype) {
    writer.text("general.type", "model");
    writer.text("general.name", name);
    writer.u32("general.file_type", FILE_TYPES.getOrDefault(dtype, 0));
    writer.u32("general.quantization_version", 2);
    JsonNode flat = rotationAtTop(config);
    try {
      architecture.fields().forEach(field -> field.write(flat, architecture, writer));
    } catch (IllegalArgumentException e) {
      throw InvalidCheckpoint.in(configFile, String.valueOf(e.getMessage()), e);
    }
    if (flat.path("head_dim").isIntegralNumber()) {
      // Readers take hidden / heads for the values where only the keys' length is given.
      writer.u32(architecture.key("attention.value_length"), flat.path("head_dim").asLong());
    }
    JsonNode scaling = flat.path("rope_scaling");
    String scalingType = scaling.path("rope_type").asString(scaling.path("type").asString("default"));
    if (!scalingType.equals("default")) {
      throw InvalidCheckpoint.in(configFile,
          "has rope_scaling %s, which is not written to GGUF yet".formatted(scaling));
    }
    writer.u32(architecture.key("vocab_size"), vocabulary);
    if (GgufTokenizer.write(tokenizer, config, vocabulary, writer)) {
      return true;
    }
    writer.text("tokenizer.ggml.model", "none");
    return false;
  }

  private static JsonNode rotationAtTop(JsonNode config) {
    JsonNode parameters = config.path("rope_parameters");
    if (!parameters.isObject()) {
      return config;
    }
    ObjectNode flat = ((ObjectNode) config).deepCopy();
    if (parameters.has("rope_theta")) {
      flat.set("rope_theta", parameters.get("rope_theta"));
    }
    flat.set("rope_scaling", parameters);
    return flat;
  }
}
