package io.expertmesh.engine;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Draws a valid configuration of a family: tiny, and hardly a width that fills a vector. */
final class RandomConfigurations {
  /** Every family that can be served. */
  static final List<String> FAMILIES = List.of("olmoe", "mixtral", "qwen2_moe", "qwen3_moe", "flex_olmo", "granitemoe",
      "phimoe", "gpt_oss", "deepseek", "deepseek_v2", "deepseek_v3", "glm4_moe", "openmoe", "llama", "mistral", "qwen2",
      "olmo", "olmo2", "switch_transformers", "nllb-moe");
  private static final List<String> HEADS_OF_THEIR_OWN_WIDTH = List.of("mixtral", "qwen3_moe", "gpt_oss", "llama",
      "mistral", "glm4_moe", "openmoe");

  private final String family;
  private final RandomGenerator random;
  private final ObjectNode config = JsonMapper.shared().createObjectNode();

  private RandomConfigurations(String family, RandomGenerator random) {
    this.family = family;
    this.random = random;
  }

  /** What {@code config.json} would hold. */
  static ObjectNode draw(String family, RandomGenerator random) {
    RandomConfigurations drawn = new RandomConfigurations(family, random);
    drawn.config.put("model_type", family).put("vocab_size", drawn.from(23, 90));
    switch (family) {
      case "switch_transformers" -> drawn.switchTransformers();
      case "nllb-moe" -> drawn.nllb();
      default -> drawn.decoder();
    }
    return drawn.config;
  }

  private int from(int least, int most) {
    return random.nextInt(least, most + 1);
  }

  private boolean coin() {
    return random.nextBoolean();
  }

  private double between(double least, double most) {
    return random.nextDouble(least, most);
  }

  private void sizes(String field, int least, int most) {
    config.put(field, from(least, most));
  }

  private void flags(String... fields) {
    for (String field : fields) {
      config.put(field, coin());
    }
  }

  private void decoder() {
    int heads = from(1, 5);
    int headDim = 2 * from(1, 7);
    int[] divisors = IntStream.rangeClosed(1, heads).filter(d -> heads % d == 0).toArray();
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", divisors[random.nextInt(divisors.length)]);
    config.put("hidden_size", heads * headDim);
    if (HEADS_OF_THEIR_OWN_WIDTH.contains(family)) {
      config.put("head_dim", headDim);
      sizes("hidden_size", 6, 50);
    }
    sizes("intermediate_size", 3, 37);
    sizes("num_hidden_layers", 1, 3);
    config.put("max_position_embeddings", 64);
    config.put("rms_norm_eps", coin() ? 1e-5 : 1e-2);
    config.put("tie_word_embeddings", !family.equals("openmoe") && from(0, 3) == 0);
    if (!family.equals("phimoe") && !family.equals("openmoe")) {
      rope();
    }
    switch (family) {
      case "olmoe" -> {
        experts("num_experts", 1);
        flags("norm_topk_prob", "attention_bias");
        clip();
      }
      case "mixtral" -> {
        experts("num_local_experts", 1);
        window();
      }
      case "qwen2_moe", "qwen3_moe" -> qwenMoe();
      case "flex_olmo" -> {
        experts("num_experts", 1);
        flags("norm_topk_prob", "attention_bias");
      }
      case "granitemoe" -> {
        experts("num_local_experts", 1);
        flags("attention_bias");
        for (String factor : List.of("embedding_multiplier", "residual_multiplier", "attention_multiplier",
            "logits_scaling")) {
          config.put(factor, between(0.3, 1.7));
        }
      }
      case "phimoe" -> phiMoe(headDim / 2);
      case "gpt_oss" -> gptOss();
      case "deepseek" -> {
        experts("n_routed_experts", 1);
        sizes("moe_intermediate_size", 3, 15);
        sizes("n_shared_experts", 1, 2);
        sizes("first_k_dense_replace", 0, 2);
        sizes("moe_layer_freq", 1, 2);
        flags("norm_topk_prob", "attention_bias");
      }
      case "deepseek_v2" -> {
        latent();
        groups();
        config.put("topk_method", coin() ? "greedy" : "group_limited_greedy");
        flags("mlp_bias");
      }
      case "deepseek_v3" -> {
        latent();
        groups();
        flags("norm_topk_prob", "rope_interleave");
      }
      case "glm4_moe" -> {
        groups();
        config.put("head_dim", 4 * from(1, 4));
        config.withObject("rope_parameters").put("partial_rotary_factor", coin() ? 0.5 : 1.0);
        flags("norm_topk_prob", "use_qk_norm", "attention_bias");
      }
      case "openmoe" -> {
        config.putArray("architectures").add("OpenMoeForCausalLM");
        config.put("num_experts", from(2, 6)).put("router_topk", from(1, 2));
        sizes("moe_layer_interval", 1, 2);
        sizes("router_min_capacity", 1, 4);
        config.put("router_capacity_factor_eval", between(0.3, 2));
      }
      case "llama" -> flags("attention_bias", "mlp_bias");
      case "mistral" -> window();
      case "qwen2" -> {
        slidingWindow();
        sizes("max_window_layers", 0, 3);
      }
      case "olmo" -> {
        flags("attention_bias");
        clip();
      }
      case "olmo2" -> flags("attention_bias");
      default -> throw new IllegalArgumentException(family);
    }
  }

  private void experts(String name, int least) {
    int experts = from(Math.max(2, least), 7);
    config.put(name, experts).put("num_experts_per_tok", from(least, Math.min(3, experts)));
  }

  private void clip() {
    if (coin()) {
      config.put("clip_qkv", between(0.2, 1.5));
    }
  }

  private void window() {
    if (coin()) {
      sizes("sliding_window", 1, 9);
    }
  }

  private void slidingWindow() {
    flags("use_sliding_window");
    sizes("sliding_window", 1, 9);
  }

  private void rope() {
    ObjectNode rope = config.putObject("rope_parameters");
    rope.put("rope_theta", coin() ? 100.0 : 10_000.0);
    int original = from(6, 40);
    switch (from(0, 4)) {
      case 0 -> rope.put("rope_type", "linear").put("factor", between(1, 8));
      case 1 -> rope.put("rope_type", "llama3").put("factor", between(1, 8)).put("low_freq_factor", between(0.5, 2))
          .put("high_freq_factor", between(2.5, 6)).put("original_max_position_embeddings", original);
      case 2 -> rope.put("rope_type", "yarn").put("factor", between(1, 30))
          .put("original_max_position_embeddings", original);
      default -> rope.put("rope_type", "default");
    }
  }

  private void qwenMoe() {
    experts("num_experts", 1);
    sizes("moe_intermediate_size", 3, 17);
    sizes("shared_expert_intermediate_size", 3, 17);
    flags("norm_topk_prob", "qkv_bias", "attention_bias");
    sizes("decoder_sparse_step", 1, 2);
    if (from(0, 3) == 0) {
      config.putArray("mlp_only_layers").add(from(0, 2));
    }
    slidingWindow();
    sizes("max_window_layers", 0, 3);
  }

  private void phiMoe(int pairs) {
    config.put("num_local_experts", from(2, 7)).put("num_experts_per_tok", 2);
    config.put("router_jitter_noise", between(0, 0.5));
    flags("attention_bias", "lm_head_bias");
    window();
    if (coin()) {
      ObjectNode rope = config.putObject("rope_scaling");
      rope.put("type", "longrope").put("short_mscale", between(0.8, 1.3)).put("long_mscale", between(0.8, 1.3));
      rope.put("original_max_position_embeddings", from(2, 26));
      for (int i = 0; i < pairs; i++) {
        rope.withArray("short_factor").add(between(1, 3));
        rope.withArray("long_factor").add(between(1, 8));
      }
    }
  }

  private void gptOss() {
    experts("num_local_experts", 1);
    flags("attention_bias");
    config.put("swiglu_limit", between(0.5, 7)).put("swiglu_alpha", between(0.5, 2));
    sizes("sliding_window", 1, 9);
  }

  private void latent() {
    config.put("num_key_value_heads", config.path("num_attention_heads").intValue());
    if (coin()) {
      sizes("q_lora_rank", 2, 15);
    }
    sizes("kv_lora_rank", 2, 17);
    sizes("qk_nope_head_dim", 1, 9);
    config.put("qk_rope_head_dim", 2 * from(1, 4));
    sizes("v_head_dim", 1, 9);
    flags("attention_bias");
  }

  private void groups() {
    int groups = from(1, 3);
    int size = from(2, 3);
    int chosen = from(1, groups);
    config.put("n_group", groups).put("topk_group", chosen).put("n_routed_experts", groups * size);
    config.put("num_experts_per_tok", from(1, Math.min(3, chosen * size)));
    sizes("moe_intermediate_size", 3, 15);
    sizes("n_shared_experts", 0, 2);
    sizes("first_k_dense_replace", 0, 2);
    config.put("routed_scaling_factor", between(0.5, 2.5));
  }

  private void switchTransformers() {
    sizes("d_model", 6, 40);
    sizes("d_kv", 2, 9);
    sizes("d_ff", 3, 20);
    sizes("num_heads", 1, 4);
    for (String field : List.of("num_layers", "num_decoder_layers")) {
      sizes(field, 1, 3);
    }
    sizes("num_sparse_encoder_layers", 0, config.path("num_layers").intValue());
    sizes("num_sparse_decoder_layers", 0, config.path("num_decoder_layers").intValue());
    sizes("num_experts", 2, 5);
    sizes("expert_capacity", 1, 6);
    config.put("relative_attention_num_buckets", 2 * from(2, 8));
    sizes("relative_attention_max_distance", 16, 40);
    config.put("layer_norm_epsilon", 1e-6);
    flags("router_bias", "tie_word_embeddings");
  }

  private void nllb() {
    config.put("d_model", 12 * from(1, 3)).put("max_position_embeddings", 64);
    for (String stack : List.of("encoder", "decoder")) {
      sizes(stack + "_layers", 1, 3);
      sizes(stack + "_sparse_step", 0, 2);
      sizes(stack + "_ffn_dim", 3, 20);
      sizes(stack + "_attention_heads", 1, 4);
    }
    sizes("num_experts", 2, 5);
    sizes("expert_capacity", 1, 6);
    config.put("moe_token_dropout", coin() ? 0.2 : 0);
    config.put("moe_eval_capacity_token_fraction", coin() ? -1 : between(0.2, 1));
    flags("router_bias", "scale_embedding", "normalize_router_prob_before_dropping", "batch_prioritized_routing");
  }
}
