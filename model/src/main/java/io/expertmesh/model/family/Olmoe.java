package io.expertmesh.model.family;

import io.expertmesh.kernels.Matrix;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.DecoderWeights.AttentionWeights;
import io.expertmesh.model.decoder.DecoderWeights.BlockWeights;
import io.expertmesh.model.decoder.DecoderWeights.MoeWeights;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** OLMoE (arXiv 2409.02060); transformers {@code models/olmoe/modeling_olmoe.py}. */
final class Olmoe implements ModelFamily {
  private static final int MAX_SIZE = 1 << 20;
  private static final int MAX_LAYERS = 1024;

  @Override
  public String modelType() {
    return "olmoe";
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    config.requireAbsent("rope_scaling", "scaled rotary positions are not supported");
    config.requireAbsentOr("rope_parameters.rope_type", "default");
    if (config.bool("attention_bias", false)) {
      throw config.invalid("\"attention_bias\" is true; attention biases are not supported");
    }
    int hidden = config.positiveInt("hidden_size", MAX_SIZE);
    int heads = config.positiveInt("num_attention_heads", MAX_SIZE);
    int kvHeads = config.positiveInt("num_key_value_heads", MAX_SIZE, heads);
    if (hidden % heads != 0 || heads % kvHeads != 0 || hidden / heads % 2 != 0) {
      throw config.invalid("asks for %d heads and %d key heads over %d floats; each must divide the other, heads evenly"
          .formatted(heads, kvHeads, hidden));
    }
    int headDim = hidden / heads;
    float theta = config.positiveFloat(config.has("rope_parameters.rope_theta")
        ? "rope_parameters.rope_theta"
        : "rope_theta");
    int experts = config.positiveInt("num_experts", 1 << 16);
    Attention attention = new Attention(heads, kvHeads, headDim, true, config.optionalPositiveFloat("clip_qkv"), theta,
        (float) (1 / Math.sqrt(headDim)));
    MixtureOfExperts moe = new MixtureOfExperts(experts, config.positiveInt("num_experts_per_tok", experts),
        config.bool("norm_topk_prob"), config.positiveInt("intermediate_size", MAX_SIZE));
    return new Architecture(modelType(), config.positiveInt("vocab_size", 1 << 22), hidden,
        config.positiveInt("max_position_embeddings", 1 << 24), config.positiveFloat("rms_norm_eps"),
        Collections.nCopies(config.positiveInt("num_hidden_layers", MAX_LAYERS), new Block(attention, moe)),
        config.bool("tie_word_embeddings", false));
  }

  @Override
  public DecoderWeights weights(Architecture model, TensorBinder tensors, ExpertSelection experts) {
    int hidden = model.hiddenSize();
    Matrix embedding = tensors.matrix("model.embed_tokens.weight", model.vocabularySize(), hidden);
    List<BlockWeights> blocks = new ArrayList<>();
    for (int i = 0; i < model.blocks().size(); i++) {
      Block block = model.blocks().get(i);
      String layer = "model.layers." + i + ".";
      blocks.add(new BlockWeights(
          tensors.vector(layer + "input_layernorm.weight", hidden),
          attention(tensors, layer + "self_attn.", hidden, block.attention()),
          tensors.vector(layer + "post_attention_layernorm.weight", hidden),
          new MoeWeights(
              tensors.matrix(layer + "mlp.gate.weight", block.moe().experts(), hidden),
              ExpertTensors.bind(tensors, expertsOf(i), hidden, block.moe(), experts))));
    }
    float[] norm = tensors.vector("model.norm.weight", hidden);
    // Some tools write the output matrix of a tied model as well.
    boolean tied = model.tiedEmbeddings() && !tensors.has("lm_head.weight");
    Matrix output = tied ? embedding : tensors.matrix("lm_head.weight", model.vocabularySize(), hidden);
    return new DecoderWeights(embedding, blocks, norm, output);
  }

  @Override
  public StoredExpert expert(Architecture model, TensorBinder tensors, int layer, int id) {
    return ExpertTensors.stored(tensors, expertsOf(layer), model.hiddenSize(), model.blocks().get(layer).moe(), id);
  }

  private static String expertsOf(int layer) {
    return "model.layers." + layer + ".mlp.experts";
  }

  private static AttentionWeights attention(TensorBinder tensors, String prefix, int hidden, Attention attention) {
    int queries = attention.queryWidth();
    int keys = attention.keyValueWidth();
    return new AttentionWeights(
        tensors.matrix(prefix + "q_proj.weight", queries, hidden),
        tensors.matrix(prefix + "k_proj.weight", keys, hidden),
        tensors.matrix(prefix + "v_proj.weight", keys, hidden),
        tensors.matrix(prefix + "o_proj.weight", hidden, queries),
        tensors.vector(prefix + "q_norm.weight", queries),
        tensors.vector(prefix + "k_norm.weight", keys));
  }
}
