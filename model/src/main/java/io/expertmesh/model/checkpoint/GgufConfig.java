package io.expertmesh.model.checkpoint;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes what a GGUF file's metadata say as the {@code config.json} of the same model. */
final class GgufConfig {
  private final GgufFile file;
  private final GgufMetadata metadata;
  private final GgufArchitecture architecture;
  private final ObjectNode config = JsonNodeFactory.instance.objectNode();

  private GgufConfig(GgufFile file, GgufArchitecture architecture) {
    this.file = file;
    this.metadata = file.metadata();
    this.architecture = architecture;
  }

  static ObjectNode of(GgufFile file, GgufArchitecture architecture) {
    return new GgufConfig(file, architecture).read();
  }

  private ObjectNode read() {
    architecture.onlyValues().forEach(this::requireOnly);
    config.putArray("architectures").add(architecture.className());
    config.put("model_type", architecture.modelType());
    for (GgufField field : architecture.fields()) {
      field.read(metadata, architecture, config);
    }
    architecture.constants().forEach(this::constant);
    architecture.presence().forEach((field, tensor) -> config.put(field,
        file.tensors().containsKey(tensor) || file.tensors().containsKey(GgufArchitecture.blockName(0, tensor))));
    config.put("hidden_act", "silu");
    config.set("vocab_size", GgufField.integer(vocabulary()));
    config.put("tie_word_embeddings", !file.tensors().containsKey("output.weight"));
    token("bos_token_id", "tokenizer.ggml.bos_token_id");
    token("eos_token_id", "tokenizer.ggml.eos_token_id");
    token("pad_token_id", "tokenizer.ggml.padding_token_id");
    switch (architecture.modelType()) {
      case "deepseek_v2", "deepseek_v3" -> latentAttention();
      case "gpt_oss" -> alternatingLayers();
      case "glm4_moe" -> withoutPredictionLayers();
      default -> {
      }
    }
    if (!config.has("qk_rope_head_dim")) {
      partialRotation();
    }
    GgufRope.write(file, architecture, config);
    return config;
  }

  private void constant(String field, Object value) {
    switch (value) {
      case Boolean flag -> config.put(field, flag);
      case Integer integer -> config.put(field, integer);
      case Double real -> config.put(field, real);
      case String text -> config.put(field, text);
      case List<?> list when list.isEmpty() -> config.putArray(field);
      case Optional<?> none when none.isEmpty() -> config.putNull(field);
      default -> throw new IllegalArgumentException(field + " = " + value);
    }
  }

  /** The parts of a head that {@code key_length_mla} adds up; files from before it have them in {@code key_length}. */
  private void latentAttention() {
    long whole = metadata.integer(architecture.key("attention.key_length_mla"))
        .orElseGet(() -> metadata.integer(architecture.key("attention.key_length")).orElse(0));
    long rotated = config.path("qk_rope_head_dim").asLong();
    if (whole <= rotated) {
      throw InvalidCheckpoint.in(metadata.file(), "has heads of %d, %d of them rotated".formatted(whole, rotated));
    }
    config.set("qk_nope_head_dim", GgufField.integer(whole - rotated));
    if (!config.has("topk_method")) {
      config.put("topk_method", config.path("n_group").asLong() > 1 ? "group_limited_greedy" : "greedy");
    }
  }

  /** As llama.cpp's {@code openai-moe-iswa.cpp}: every other layer slides, beginning with the first. */
  private void alternatingLayers() {
    ArrayNode types = config.putArray("layer_types");
    for (long layer = 0; layer < config.path("num_hidden_layers").asLong(); layer++) {
      types.add(layer % 2 == 0 ? "sliding_attention" : "full_attention");
    }
  }

  /** Layers that predict further tokens come last and are not used. */
  private void withoutPredictionLayers() {
    long extra = metadata.integer(architecture.key("nextn_predict_layers")).orElse(0);
    config.set("num_hidden_layers", GgufField.integer(config.path("num_hidden_layers").asLong() - extra));
    config.set("num_nextn_predict_layers", GgufField.integer(extra));
  }

  private void requireOnly(String suffix, Set<Double> values) {
    String key = architecture.key(suffix);
    double value = switch (metadata.values().get(key)) {
      case GgufValue.Int integer -> integer.value();
      case GgufValue.Real real -> real.value();
      case null -> values.iterator().next();
      case GgufValue other -> Double.NaN;
    };
    if (!values.contains(value)) {
      throw InvalidCheckpoint.in(metadata.file(), "metadata key %s is %s, which architecture %s does not support"
          .formatted(key, value, architecture.name()));
    }
  }

  private long vocabulary() {
    Tensor embedding = file.tensors().get("token_embd.weight");
    if (embedding == null || embedding.shape().size() != 2) {
      throw InvalidCheckpoint.in(metadata.file(), embedding == null
          ? "tensor token_embd.weight is missing"
          : "tensor token_embd.weight has shape %s, not (vocabulary, hidden)".formatted(embedding.shape()));
    }
    return embedding.shape().getFirst();
  }

  private void token(String field, String key) {
    OptionalLong id = metadata.integer(key);
    if (id.isPresent()) {
      config.set(field, GgufField.integer(id.getAsLong()));
    } else {
      config.putNull(field);
    }
  }

  private void partialRotation() {
    OptionalLong rotated = metadata.integer(architecture.key("rope.dimension_count"));
    long heads = config.path("num_attention_heads").asLong(0);
    long headSize = config.path("head_dim").asLong(heads == 0 ? 0 : config.path("hidden_size").asLong(0) / heads);
    if (rotated.isPresent() && headSize > 0 && rotated.getAsLong() != headSize) {
      config.put("partial_rotary_factor", (double) rotated.getAsLong() / headSize);
    }
  }
}
