package io.expertmesh.model.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How llama.cpp and Hugging Face name the same model; {@link GgufArchitectures} has the table.
 *
 * @param name {@code general.architecture}, the prefix of its keys
 * @param modelType {@code model_type} in {@code config.json}
 * @param className {@code architectures} in {@code config.json}
 * @param applies tells apart the models that share a name
 * @param fields configuration fields and the keys they come from
 * @param constants configuration fields that no key holds
 * @param presence configuration fields that are true where the file has the tensor of layer 0, or of the model
 * @param onlyValues keys that other architectures use and this one fixes: absent, or one of these values
 * @param pairedHeads whether the file has the rows of query and key weights in pairs, see
 *     {@link io.expertmesh.kernels.RowOrder.UnpairedHeads}
 * @param modelTensors GGUF name to Hugging Face name
 * @param layerTensors the same for names after {@code blk.N.} and {@code model.layers.N.}
 */
record GgufArchitecture(String name, String modelType, String className, Predicate<GgufMetadata> applies,
    List<GgufField> fields, Map<String, Object> constants, Map<String, String> presence,
    Map<String, Set<Double>> onlyValues, boolean pairedHeads, Map<String, String> modelTensors,
    Map<String, String> layerTensors) {

  static final String LAYER = "model.layers.";
  static final Pattern BLOCK_NAME = Pattern.compile("blk\\.(0|[1-9][0-9]{0,5})\\.(.+)");
  private static final String BLOCK = "blk.";

  /** The full metadata key. */
  String key(String suffix) {
    return name + "." + suffix;
  }

  /** The Hugging Face name of GGUF's {@code tensor}, if this architecture has it. */
  Optional<String> huggingFaceName(String tensor) {
    Matcher matcher = BLOCK_NAME.matcher(tensor);
    if (!matcher.matches()) {
      return Optional.ofNullable(modelTensors.get(tensor));
    }
    return Optional.ofNullable(layerTensors.get(matcher.group(2)))
        .map(rest -> LAYER + matcher.group(1) + "." + rest);
  }

  /** GGUF's name of a layer's tensor. */
  static String blockName(int layer, String rest) {
    return BLOCK + layer + "." + rest;
  }

  static Builder of(String name, String modelType, String className) {
    return new Builder(name, modelType, className);
  }

  /** Starts with what all have: the sizes, rotary positions, and the tensors around the layers. */
  static final class Builder {
    private final String name;
    private final String modelType;
    private final String className;
    private Predicate<GgufMetadata> applies = metadata -> true;
    private final List<GgufField> fields = new ArrayList<>();
    private final Map<String, Object> constants = new LinkedHashMap<>();
    private final Map<String, String> presence = new LinkedHashMap<>();
    private final Map<String, Set<Double>> onlyValues = new LinkedHashMap<>();
    private boolean pairedHeads;
    private final Map<String, String> modelTensors = new LinkedHashMap<>();
    private final Map<String, String> layerTensors = new LinkedHashMap<>();

    private Builder(String name, String modelType, String className) {
      this.name = name;
      this.modelType = modelType;
      this.className = className;
      fields(
          GgufField.integer("hidden_size", "embedding_length"),
          GgufField.integer("num_hidden_layers", "block_count"),
          GgufField.integer("num_attention_heads", "attention.head_count"),
          GgufField.integer("max_position_embeddings", "context_length"),
          GgufField.real("rope_theta", "rope.freq_base").orElse(10000.0));
      modelTensors.put("token_embd.weight", "model.embed_tokens.weight");
      modelTensors.put("output.weight", "lm_head.weight");
    }

    Builder when(Predicate<GgufMetadata> condition) {
      applies = condition;
      return this;
    }

    Builder fields(GgufField... more) {
      fields.addAll(List.of(more));
      return this;
    }

    Builder constant(String field, Object value) {
      constants.put(field, value);
      return this;
    }

    /** {@code field} says whether {@code tensor} (of layer 0 or of the model) is there. */
    Builder present(String field, String tensor) {
      presence.put(field, tensor);
      return this;
    }

    Builder only(String key, Double... values) {
      onlyValues.put(key, Set.of(values));
      return this;
    }

    Builder pairedHeads() {
      pairedHeads = true;
      return this;
    }

    /** Pairs of GGUF's and Hugging Face's name, whole. */
    Builder modelTensors(String... pairs) {
      put(modelTensors, pairs);
      return this;
    }

    /** Pairs of GGUF's and Hugging Face's name, within a layer and whole. */
    Builder layerTensors(String... pairs) {
      put(layerTensors, pairs);
      return this;
    }

    /** Pairs of GGUF's and Hugging Face's name within a layer, without the {@code .weight} that both have. */
    Builder weights(String... pairs) {
      for (int i = 0; i < pairs.length; i += 2) {
        layerTensors.put(pairs[i] + ".weight", pairs[i + 1] + ".weight");
      }
      return this;
    }

    /** Pairs of GGUF's and Hugging Face's name within a layer, without the {@code .bias} that both have. */
    Builder biases(String... pairs) {
      for (int i = 0; i < pairs.length; i += 2) {
        layerTensors.put(pairs[i] + ".bias", pairs[i + 1] + ".bias");
      }
      return this;
    }

    /** Applies a part that several architectures share. */
    Builder with(java.util.function.Consumer<Builder> part) {
      part.accept(this);
      return this;
    }

    GgufArchitecture build() {
      return new GgufArchitecture(name, modelType, className, applies, List.copyOf(fields), constants, presence,
          onlyValues, pairedHeads, modelTensors, layerTensors);
    }

    private static void put(Map<String, String> target, String... pairs) {
      for (int i = 0; i < pairs.length; i += 2) {
        target.put(pairs[i], pairs[i + 1]);
      }
    }
  }
}
