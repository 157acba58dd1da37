package io.expertmesh.model.checkpoint;

import java.util.OptionalLong;
import java.util.Set;
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
    config.put("hidden_act", "silu");
    config.set("vocab_size", GgufField.integer(vocabulary()));
    config.put("tie_word_embeddings", !file.tensors().containsKey("output.weight"));
    token("bos_token_id", "tokenizer.ggml.bos_token_id");
    token("eos_token_id", "tokenizer.ggml.eos_token_id");
    token("pad_token_id", "tokenizer.ggml.padding_token_id");
    partialRotation();
    ropeScaling();
    return config;
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

  private void ropeScaling() {
    String type = metadata.text(architecture.key("rope.scaling.type")).orElse("none");
    if (type.equals("none")) {
      return;
    }
    ObjectNode scaling = config.putObject("rope_scaling");
    scaling.put("rope_type", type);
    metadata.real(architecture.key("rope.scaling.factor")).ifPresent(factor -> scaling.put("factor", factor));
    metadata.integer(architecture.key("rope.scaling.original_context_length"))
        .ifPresent(length -> scaling.set("original_max_position_embeddings", GgufField.integer(length)));
  }
}
