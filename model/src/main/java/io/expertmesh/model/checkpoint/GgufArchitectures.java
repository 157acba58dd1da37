package io.expertmesh.model.checkpoint;

import static io.expertmesh.model.checkpoint.GgufField.flag;
import static io.expertmesh.model.checkpoint.GgufField.integer;
import static io.expertmesh.model.checkpoint.GgufField.real;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The architectures of GGUF files that are read, as llama.cpp's converter ({@code conversion/*.py}) and loaders
 * ({@code src/models/*.cpp}) have them. Fields have transformers' names, tensors those of the released checkpoints; the
 * experts of a layer are stacked: {@code PREFIX.gate_proj}, {@code PREFIX.up_proj} and {@code PREFIX.down_proj}, whatever
 * their names in the release.
 */
final class GgufArchitectures {
  static final GgufArchitecture OLMOE = GgufArchitecture.of("olmoe", "olmoe", "OlmoeForCausalLM")
      .with(GgufArchitectures::decoder).with(GgufArchitectures::norms)
      .fields(
          integer("intermediate_size", "feed_forward_length"),
          integer("num_experts", "expert_count"),
          integer("num_experts_per_tok", "expert_used_count"),
          // llama.cpp never renormalises OLMoE's weights, so files without the key mean false.
          flag("norm_topk_prob", "expert_weights_norm").orElse(false),
          real("clip_qkv", "attention.clamp_kqv").orElseNull())
      // 0 is how llama.cpp writes "not set".
      .only("expert_gating_func", 0.0, 1.0).only("expert_weights_scale", 0.0, 1.0).only("expert_shared_count", 0.0)
      .only("leading_dense_block_count", 0.0).only("attention.sliding_window", 0.0)
      .weights("attn_q_norm", "self_attn.q_norm", "attn_k_norm", "self_attn.k_norm", "ffn_gate_inp", "mlp.gate")
      .with(b -> experts(b, "mlp.experts"))
      .build();

  private static final List<GgufArchitecture> ALL = List.of(
      OLMOE,
      GgufArchitecture.of("llama", "llama", "LlamaForCausalLM").when(GgufArchitectures::isDense)
          .with(GgufArchitectures::decoder).with(GgufArchitectures::norms).with(GgufArchitectures::denseLayer)
          .with(GgufArchitectures::attentionBias).pairedHeads()
          .present("mlp_bias", "ffn_up.bias")
          .biases("ffn_gate", "mlp.gate_proj", "ffn_up", "mlp.up_proj", "ffn_down", "mlp.down_proj")
          .only("attention.sliding_window", 0.0)
          .build(),
      GgufArchitecture.of("llama", "mixtral", "MixtralForCausalLM").when(metadata -> !isDense(metadata))
          .with(GgufArchitectures::decoder).with(GgufArchitectures::norms).pairedHeads()
          .fields(integer("intermediate_size", "feed_forward_length"), localExperts(), expertsPerToken())
          .constant("sliding_window", Optional.empty())
          .only("attention.sliding_window", 0.0).only("expert_gating_func", 0.0, 1.0)
          .weights("ffn_gate_inp", "block_sparse_moe.gate")
          .with(b -> experts(b, "block_sparse_moe.experts"))
          .build(),
      GgufArchitecture.of("qwen2", "qwen2", "Qwen2ForCausalLM")
          .with(GgufArchitectures::decoder).with(GgufArchitectures::norms).with(GgufArchitectures::denseLayer)
          .biases("attn_q", "self_attn.q_proj", "attn_k", "self_attn.k_proj", "attn_v", "self_attn.v_proj")
          .constant("use_sliding_window", false).only("attention.sliding_window", 0.0)
          .build(),
      GgufArchitecture.of("qwen2moe", "qwen2_moe", "Qwen2MoeForCausalLM")
          .with(GgufArchitectures::decoder).with(GgufArchitectures::norms).with(GgufArchitectures::qwenExperts)
          .fields(
              integer("shared_expert_intermediate_size", "expert_shared_feed_forward_length"),
              // llama.cpp never renormalises these weights, so files without the key mean false.
              flag("norm_topk_prob", "expert_weights_norm").orElse(false))
          .present("qkv_bias", "attn_q.bias")
          .biases("attn_q", "self_attn.q_proj", "attn_k", "self_attn.k_proj", "attn_v", "self_attn.v_proj")
          .weights("ffn_gate_shexp", "mlp.shared_expert.gate_proj", "ffn_up_shexp", "mlp.shared_expert.up_proj",
              "ffn_down_shexp", "mlp.shared_expert.down_proj", "ffn_gate_inp_shexp", "mlp.shared_expert_gate")
          .build(),
      GgufArchitecture.of("qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM")
          .with(GgufArchitectures::decoder).with(GgufArchitectures::norms).with(GgufArchitectures::qwenExperts)
          .with(GgufArchitectures::attentionBias)
          // llama.cpp always renormalises these weights, so files without the key mean true.
          .fields(flag("norm_topk_prob", "expert_weights_norm").orElse(true))
          .weights("attn_q_norm", "self_attn.q_norm", "attn_k_norm", "self_attn.k_norm")
          .build(),
      GgufArchitecture.of("olmo", "olmo", "OlmoForCausalLM")
          .with(GgufArchitectures::decoder).with(GgufArchitectures::denseLayer).pairedHeads()
          .fields(real("clip_qkv", "attention.clamp_kqv").orElseNull())
          .constant("attention_bias", false)
          .build(),
      GgufArchitecture.of("olmo2", "olmo2", "Olmo2ForCausalLM")
          .with(GgufArchitectures::decoder).with(GgufArchitectures::denseLayer)
          .fields(rmsNormEps())
          .constant("attention_bias", false).only("attention.sliding_window", 0.0)
          .modelTensors("output_norm.weight", "model.norm.weight")
          .weights("attn_q_norm", "self_attn.q_norm", "attn_k_norm", "self_attn.k_norm",
              "post_attention_norm", "post_attention_layernorm", "post_ffw_norm", "post_feedforward_layernorm")
          .build(),
      GgufArchitecture.of("deepseek", "deepseek", "DeepseekForCausalLM")
          .with(GgufArchitectures::decoder).with(GgufArchitectures::norms).with(GgufArchitectures::denseLayer)
          .with(GgufArchitectures::deepseekExperts).pairedHeads()
          .fields(flag("norm_topk_prob", "expert_weights_norm").orElse(false))
          .constant("scoring_func", "softmax").constant("moe_layer_freq", 1).constant("attention_bias", false)
          .only("expert_gating_func", 0.0, 1.0).only("expert_weights_scale", 0.0, 1.0)
          .build(),
      GgufArchitecture.of("deepseek2", "deepseek_v2", "DeepseekV2ForCausalLM").when(metadata -> !isSigmoid(metadata))
          .with(GgufArchitectures::latentAttention)
          .constant("scoring_func", "softmax").only("expert_gating_func", 0.0, 1.0)
          .build(),
      GgufArchitecture.of("deepseek2", "deepseek_v3", "DeepseekV3ForCausalLM").when(GgufArchitectures::isSigmoid)
          .with(GgufArchitectures::latentAttention)
          .constant("scoring_func", "sigmoid").constant("topk_method", "noaux_tc")
          .layerTensors("exp_probs_b.bias", "mlp.gate.e_score_correction_bias")
          .build(),
      GgufArchitecture.of("gpt-oss", "gpt_oss", "GptOssForCausalLM")
          .with(GgufArchitectures::decoder)
          .fields(rmsNormEps(), localExperts(), expertsPerToken(),
              integer("intermediate_size", "expert_feed_forward_length"),
              integer("sliding_window", "attention.sliding_window"))
          .constant("attention_bias", true).constant("swiglu_limit", 7.0).constant("swiglu_alpha", 1.702)
          .modelTensors("output_norm.weight", "model.norm.weight")
          .weights("attn_norm", "input_layernorm", "post_attention_norm", "post_attention_layernorm",
              "ffn_gate_inp", "mlp.router")
          .biases("attn_q", "self_attn.q_proj", "attn_k", "self_attn.k_proj", "attn_v", "self_attn.v_proj",
              "attn_output", "self_attn.o_proj", "ffn_gate_inp", "mlp.router")
          .layerTensors("attn_sinks.weight", "self_attn.sinks", "ffn_gate_exps.bias", "mlp.experts.gate_proj_bias",
              "ffn_up_exps.bias", "mlp.experts.up_proj_bias", "ffn_down_exps.bias", "mlp.experts.down_proj_bias")
          .with(b -> experts(b, "mlp.experts"))
          .build(),
      GgufArchitecture.of("phimoe", "phimoe", "PhimoeForCausalLM")
          .with(GgufArchitectures::decoder).with(GgufArchitectures::norms).with(GgufArchitectures::attentionBias)
          .fields(integer("intermediate_size", "feed_forward_length"), localExperts(), expertsPerToken(),
              integer("sliding_window", "attention.sliding_window").orElseNull())
          .present("lm_head_bias", "output.bias")
          .constant("router_jitter_noise", 0.01).constant("input_jitter_noise", 0.0)
          .modelTensors("output_norm.bias", "model.norm.bias", "output.bias", "lm_head.bias")
          .biases("attn_norm", "input_layernorm", "ffn_norm", "post_attention_layernorm")
          .weights("ffn_gate_inp", "block_sparse_moe.gate")
          .with(b -> experts(b, "block_sparse_moe.experts"))
          .build(),
      GgufArchitecture.of("granitemoe", "granitemoe", "GraniteMoeForCausalLM")
          .with(GgufArchitectures::decoder).with(GgufArchitectures::norms).with(GgufArchitectures::attentionBias)
          .pairedHeads()
          .fields(integer("intermediate_size", "feed_forward_length"), localExperts(), expertsPerToken(),
              real("attention_multiplier", "attention.scale").orElse(1.0),
              real("embedding_multiplier", "embedding_scale").orElse(1.0),
              real("residual_multiplier", "residual_scale").orElse(1.0),
              real("logits_scaling", "logit_scale").orElse(1.0))
          .only("expert_shared_feed_forward_length", 0.0).only("expert_gating_func", 0.0, 1.0)
          .layerTensors("ffn_gate_inp.weight", "block_sparse_moe.router.layer.weight")
          .with(b -> experts(b, "block_sparse_moe.experts"))
          .build(),
      GgufArchitecture.of("glm4moe", "glm4_moe", "Glm4MoeForCausalLM")
          .with(GgufArchitectures::decoder).with(GgufArchitectures::norms).with(GgufArchitectures::denseLayer)
          .with(GgufArchitectures::deepseekExperts).with(GgufArchitectures::attentionBias)
          .with(GgufArchitectures::groups)
          .fields(
              real("routed_scaling_factor", "expert_weights_scale").orElse(1.0),
              flag("norm_topk_prob", "expert_weights_norm").orElse(true))
          .present("use_qk_norm", "attn_q_norm.weight")
          .constant("scoring_func", "sigmoid").only("expert_gating_func", 0.0, 2.0)
          .weights("post_attention_norm", "post_attention_layernorm", "attn_q_norm", "self_attn.q_norm", "attn_k_norm",
              "self_attn.k_norm")
          .layerTensors("exp_probs_b.bias", "mlp.gate.e_score_correction_bias")
          .build());

  /** Those whose random weights are written: llama.cpp was seen to load and run them. */
  private static final Set<String> SYNTHETIC = new TreeSet<>(
      Set.of("olmoe", "llama", "mixtral", "qwen2", "qwen2_moe", "qwen3_moe", "olmo2", "granitemoe"));

  private GgufArchitectures() {}

  /** What {@code metadata} says that the file holds. */
  static GgufArchitecture of(GgufMetadata metadata) {
    String name = metadata.architecture();
    return ALL.stream().filter(a -> a.name().equals(name) && a.applies().test(metadata)).findFirst()
        .orElseThrow(() -> InvalidCheckpoint.in(metadata.file(), "is of architecture %s; supported in GGUF files: %s"
            .formatted(name, ALL.stream().map(GgufArchitecture::name).distinct().collect(Collectors.joining(", ")))));
  }

  /** The architecture that a model with this {@code model_type} is written as, if it can be written. */
  static Optional<GgufArchitecture> forModelType(String modelType) {
    return modelType.equals(OLMOE.modelType()) ? Optional.of(OLMOE) : Optional.empty();
  }

  /** The {@code model_type}s that can be written. */
  static List<String> modelTypes() {
    return List.of(OLMOE.modelType());
  }

  /** The architecture that random weights of a model with this {@code model_type} are written as. */
  static Optional<GgufArchitecture> synthetic(String modelType) {
    return SYNTHETIC.contains(modelType)
        ? ALL.stream().filter(architecture -> architecture.modelType().equals(modelType)).findFirst()
        : Optional.empty();
  }

  /** The {@code model_type}s of {@link #synthetic}. */
  static Set<String> syntheticTypes() {
    return SYNTHETIC;
  }

  private static boolean isDense(GgufMetadata metadata) {
    return metadata.integer("llama.expert_count").orElse(0) == 0;
  }

  /** Group-limited routing with a correction bias came with DeepSeek-V3, whose scores are sigmoids. */
  private static boolean isSigmoid(GgufMetadata metadata) {
    return metadata.integer("deepseek2.expert_gating_func").orElse(1) == 2;
  }

  private static void decoder(GgufArchitecture.Builder builder) {
    builder
        .fields(
            integer("num_key_value_heads", "attention.head_count_kv").orElseFrom("attention.head_count"),
            integer("head_dim", "attention.key_length").orLeftOut())
        .weights("attn_q", "self_attn.q_proj", "attn_k", "self_attn.k_proj", "attn_v", "self_attn.v_proj",
            "attn_output", "self_attn.o_proj");
  }

  private static void norms(GgufArchitecture.Builder builder) {
    builder.fields(rmsNormEps())
        .modelTensors("output_norm.weight", "model.norm.weight")
        .weights("attn_norm", "input_layernorm", "ffn_norm", "post_attention_layernorm");
  }

  private static void denseLayer(GgufArchitecture.Builder builder) {
    builder.fields(integer("intermediate_size", "feed_forward_length"))
        .weights("ffn_gate", "mlp.gate_proj", "ffn_up", "mlp.up_proj", "ffn_down", "mlp.down_proj");
  }

  private static void attentionBias(GgufArchitecture.Builder builder) {
    builder.present("attention_bias", "attn_q.bias")
        .biases("attn_q", "self_attn.q_proj", "attn_k", "self_attn.k_proj", "attn_v", "self_attn.v_proj",
            "attn_output", "self_attn.o_proj");
  }

  private static void experts(GgufArchitecture.Builder builder, String prefix) {
    builder.layerTensors("ffn_gate_exps.weight", prefix + ".gate_proj", "ffn_up_exps.weight", prefix + ".up_proj",
        "ffn_down_exps.weight", prefix + ".down_proj");
  }

  /** Every layer has experts: llama.cpp knows no other files of these models. */
  private static void qwenExperts(GgufArchitecture.Builder builder) {
    builder
        .fields(integer("intermediate_size", "feed_forward_length"), integer("num_experts", "expert_count"),
            expertsPerToken(), integer("moe_intermediate_size", "expert_feed_forward_length"))
        .constant("decoder_sparse_step", 1).constant("mlp_only_layers", List.of())
        .constant("use_sliding_window", false)
        .only("expert_gating_func", 0.0, 1.0).only("attention.sliding_window", 0.0)
        .weights("ffn_gate_inp", "mlp.gate")
        .with(b -> experts(b, "mlp.experts"));
  }

  private static void deepseekExperts(GgufArchitecture.Builder builder) {
    builder
        .fields(
            integer("n_routed_experts", "expert_count"), expertsPerToken(),
            integer("n_shared_experts", "expert_shared_count"),
            integer("moe_intermediate_size", "expert_feed_forward_length"),
            integer("first_k_dense_replace", "leading_dense_block_count"))
        .weights("ffn_gate_inp", "mlp.gate", "ffn_gate_shexp", "mlp.shared_experts.gate_proj",
            "ffn_up_shexp", "mlp.shared_experts.up_proj", "ffn_down_shexp", "mlp.shared_experts.down_proj")
        .with(b -> experts(b, "mlp.experts"));
  }

  private static void groups(GgufArchitecture.Builder builder) {
    builder.fields(integer("n_group", "expert_group_count").orElse(1),
        integer("topk_group", "expert_group_used_count").orElse(1));
  }

  /** DeepSeek V2 and V3. Key-value heads are those before the compression; the file says 1. */
  private static void latentAttention(GgufArchitecture.Builder builder) {
    builder.with(GgufArchitectures::norms).with(GgufArchitectures::denseLayer)
        .with(GgufArchitectures::deepseekExperts).with(GgufArchitectures::groups)
        .fields(
            integer("num_key_value_heads", "attention.head_count"),
            integer("q_lora_rank", "attention.q_lora_rank").orElseNull(),
            integer("kv_lora_rank", "attention.kv_lora_rank"),
            integer("qk_rope_head_dim", "rope.dimension_count"),
            integer("v_head_dim", "attention.value_length_mla").orElseFrom("attention.value_length"),
            real("routed_scaling_factor", "expert_weights_scale").orElse(1.0),
            flag("norm_topk_prob", "expert_weights_norm").orElse(false))
        .constant("moe_layer_freq", 1).constant("attention_bias", false).constant("rope_interleave", true)
        .weights("attn_q", "self_attn.q_proj", "attn_q_a", "self_attn.q_a_proj", "attn_q_a_norm",
            "self_attn.q_a_layernorm", "attn_q_b", "self_attn.q_b_proj", "attn_kv_a_mqa",
            "self_attn.kv_a_proj_with_mqa", "attn_kv_a_norm", "self_attn.kv_a_layernorm", "attn_kv_b",
            "self_attn.kv_b_proj", "attn_k_b", "self_attn.k_b_proj", "attn_v_b", "self_attn.v_b_proj",
            "attn_output", "self_attn.o_proj");
  }

  private static GgufField rmsNormEps() {
    return real("rms_norm_eps", "attention.layer_norm_rms_epsilon");
  }

  private static GgufField localExperts() {
    return integer("num_local_experts", "expert_count");
  }

  private static GgufField expertsPerToken() {
    return integer("num_experts_per_tok", "expert_used_count");
  }
}
