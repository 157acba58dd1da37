package io.expertmesh.model.checkpoint;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Where an OpenMoE checkpoint's tensors stand in the training framework's archives: the authors'
 * {@code convert_openmoe_ckpt.py}.
 */
final class T5xNames {
  /**
   * A tensor of the archive.
   *
   * @param shape as the archive has it
   * @param transposed whether Hugging Face has it the other way round
   */
  record Source(String name, List<Long> shape, boolean transposed) {}

  private final JsonNode config;
  private final Path configFile;
  private final Map<String, Source> sources = new LinkedHashMap<>();

  private T5xNames(JsonNode config, Path configFile) {
    this.config = config;
    this.configFile = configFile;
  }

  /** By Hugging Face name, with the shapes that the configuration asks for. */
  static Map<String, Source> of(JsonNode config, Path configFile) {
    T5xNames names = new T5xNames(config, configFile);
    names.model();
    return names.sources;
  }

  private void model() {
    long hidden = size("hidden_size");
    long vocabulary = size("vocab_size");
    long interval = size("moe_layer_interval");
    add("model.embed_tokens.weight", "token_embedder/embedding", vocabulary, hidden);
    for (int layer = 0; layer < size("num_hidden_layers"); layer++) {
      String to = "model.layers.%d.".formatted(layer);
      String from = "decoder/layers_%d/".formatted(layer);
      add(to + "input_layernorm.weight", from + "pre_self_attention_layer_norm/scale", hidden);
      add(to + "post_attention_layernorm.weight", from + "pre_mlp_layer_norm/scale", hidden);
      attention(to + "self_attn.", from + "self_attention/", hidden);
      if ((layer + 1) % interval == 0) {
        experts(to, from, hidden);
      } else {
        network(to + "mlp.", from + "mlp/", hidden);
      }
    }
    add("model.norm.weight", "decoder/decoder_norm/scale", hidden);
    turn("lm_head.weight", "decoder/logits_dense/kernel", hidden, vocabulary);
  }

  private void attention(String to, String from, long hidden) {
    long queries = size("num_attention_heads") * size("head_dim");
    long keys = size("num_key_value_heads") * size("head_dim");
    turn(to + "q_proj.weight", from + "query/kernel", hidden, queries);
    turn(to + "k_proj.weight", from + "key/kernel", hidden, keys);
    turn(to + "v_proj.weight", from + "value/kernel", hidden, keys);
    turn(to + "o_proj.weight", from + "out/kernel", queries, hidden);
  }

  private void experts(String to, String from, long hidden) {
    long experts = size("num_experts");
    long width = size("intermediate_size");
    turn(to + "mlp.gate_weight", from + "mlp/router/router_weights/w/kernel", hidden, experts);
    add(to + "mlp.experts.wi_gate", from + "mlp/expert/wi_0/kernel", experts, hidden, 2 * width);
    add(to + "mlp.experts.wi_up", from + "mlp/expert/wi_1/kernel", experts, hidden, width);
    add(to + "mlp.experts.wo", from + "mlp/expert/wo/kernel", experts, width, hidden);
    add(to + "pre_extra_mlp_layernorm.weight", from + "pre_extra_mlp_layer_norm/scale", hidden);
    network(to + "extra_mlp.", from + "extra_mlp/", hidden);
  }

  private void network(String to, String from, long hidden) {
    long width = size("intermediate_size");
    turn(to + "gate_proj.weight", from + "wi_0/kernel", hidden, 2 * width);
    turn(to + "up_proj.weight", from + "wi_1/kernel", hidden, width);
    turn(to + "down_proj.weight", from + "wo/kernel", width, hidden);
  }

  private void add(String to, String from, Long... shape) {
    sources.put(to, new Source(from, List.of(shape), false));
  }

  private void turn(String to, String from, Long... shape) {
    sources.put(to, new Source(from, List.of(shape), true));
  }

  private long size(String field) {
    long size = config.path(field).asLong(0);
    if (size < 1 || size > 1 << 24) {
      throw InvalidCheckpoint.in(configFile, "has the %s %s; a number from 1 on is needed"
          .formatted(field, config.path(field)));
    }
    return size;
  }
}
