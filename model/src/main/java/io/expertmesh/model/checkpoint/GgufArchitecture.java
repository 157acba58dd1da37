package io.expertmesh.model.checkpoint;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How llama.cpp and Hugging Face name the same model: one table per architecture.
 *
 * @param name {@code general.architecture}, the prefix of its keys
 * @param modelType {@code model_type} in {@code config.json}
 * @param className {@code architectures} in {@code config.json}
 * @param fields configuration fields and the keys they come from
 * @param onlyValues keys that other architectures use and this one fixes: absent, or one of these values
 * @param modelTensors GGUF name to Hugging Face name
 * @param layerTensors the same for names after {@code blk.N.} and {@code model.layers.N.}
 */
record GgufArchitecture(String name, String modelType, String className, List<GgufField> fields,
    Map<String, Set<Double>> onlyValues, Map<String, String> modelTensors, Map<String, String> layerTensors) {

  static final String LAYER = "model.layers.";
  private static final String BLOCK = "blk.";
  private static final Pattern BLOCK_NAME = Pattern.compile("blk\\.(0|[1-9][0-9]{0,5})\\.(.+)");

  /** As llama.cpp's {@code src/models/olmoe.cpp} and {@code conversion/olmo.py} have it. */
  static final GgufArchitecture OLMOE = new GgufArchitecture("olmoe", "olmoe", "OlmoeForCausalLM",
      List.of(
          GgufField.integer("hidden_size", "embedding_length"),
          GgufField.integer("intermediate_size", "feed_forward_length"),
          GgufField.integer("num_hidden_layers", "block_count"),
          GgufField.integer("num_attention_heads", "attention.head_count"),
          GgufField.integer("num_key_value_heads", "attention.head_count_kv").orElseFrom("attention.head_count"),
          GgufField.integer("head_dim", "attention.key_length").orLeftOut(),
          GgufField.integer("max_position_embeddings", "context_length"),
          GgufField.integer("num_experts", "expert_count"),
          GgufField.integer("num_experts_per_tok", "expert_used_count"),
          // llama.cpp never renormalises OLMoE's weights, so files without the key mean false.
          GgufField.flag("norm_topk_prob", "expert_weights_norm").orElse(false),
          GgufField.real("rms_norm_eps", "attention.layer_norm_rms_epsilon"),
          GgufField.real("rope_theta", "rope.freq_base").orElse(10000.0),
          GgufField.real("clip_qkv", "attention.clamp_kqv").orElseNull()),
      // 0 is how llama.cpp writes "not set".
      Map.of("expert_gating_func", Set.of(0.0, 1.0), "expert_weights_scale", Set.of(0.0, 1.0), "expert_shared_count",
          Set.of(0.0), "leading_dense_block_count", Set.of(0.0), "attention.sliding_window", Set.of(0.0)),
      ordered(
          "token_embd.weight", "model.embed_tokens.weight",
          "output_norm.weight", "model.norm.weight",
          "output.weight", "lm_head.weight"),
      ordered(
          "attn_norm.weight", "input_layernorm.weight",
          "attn_q.weight", "self_attn.q_proj.weight",
          "attn_k.weight", "self_attn.k_proj.weight",
          "attn_v.weight", "self_attn.v_proj.weight",
          "attn_output.weight", "self_attn.o_proj.weight",
          "attn_q_norm.weight", "self_attn.q_norm.weight",
          "attn_k_norm.weight", "self_attn.k_norm.weight",
          "ffn_norm.weight", "post_attention_layernorm.weight",
          "ffn_gate_inp.weight", "mlp.gate.weight",
          "ffn_gate_exps.weight", "mlp.experts.gate_proj",
          "ffn_up_exps.weight", "mlp.experts.up_proj",
          "ffn_down_exps.weight", "mlp.experts.down_proj"));

  private static final List<GgufArchitecture> ALL = List.of(OLMOE);

  static GgufArchitecture of(Path file, String name) {
    return ALL.stream().filter(a -> a.name().equals(name)).findFirst()
        .orElseThrow(() -> InvalidCheckpoint.in(file, "is of architecture %s; supported in GGUF files: %s"
            .formatted(name, String.join(", ", ALL.stream().map(GgufArchitecture::name).toList()))));
  }

  /** The architecture that a model with this {@code model_type} is written as, if there is one. */
  static Optional<GgufArchitecture> forModelType(String modelType) {
    return ALL.stream().filter(a -> a.modelType().equals(modelType)).findFirst();
  }

  static List<String> modelTypes() {
    return ALL.stream().map(GgufArchitecture::modelType).toList();
  }

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

  private static Map<String, String> ordered(String... pairs) {
    Map<String, String> map = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put(pairs[i], pairs[i + 1]);
    }
    return map;
  }
}
