package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.MixtureOfExperts.SharedExpert;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Operation;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Qwen's mixtures: Qwen1.5-MoE and Qwen2 with a shared expert, Qwen3 (arXiv 2505.09388) with normalised heads instead;
 * transformers {@code models/qwen2_moe/modeling_qwen2_moe.py}, {@code models/qwen3_moe/modeling_qwen3_moe.py}.
 */
final class QwenMoe implements ModelFamily {
  private final boolean third;

  private QwenMoe(boolean third) {
    this.third = third;
  }

  static QwenMoe second() {
    return new QwenMoe(false);
  }

  static QwenMoe third() {
    return new QwenMoe(true);
  }

  @Override
  public String modelType() {
    return third ? "qwen3_moe" : "qwen2_moe";
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    DecoderSizes sizes = DecoderSizes.of(config);
    int layers = sizes.layers();
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    Attention attention = attention(config, sizes, norm);
    List<@Nullable Integer> windows = windows(config, layers);
    FeedForward dense = FeedForward.gatedSilu(DecoderSizes.width(config, "intermediate_size"));
    MixtureOfExperts moe = mixture(config);
    Set<Integer> denseLayers = config.ints("mlp_only_layers", DecoderSizes.MAX_LAYERS);
    int step = config.positiveInt("decoder_sparse_step", DecoderSizes.MAX_LAYERS, 1);
    List<Block> blocks = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      Operation network = (i + 1) % step == 0 && !denseLayers.contains(i) ? moe : dense;
      blocks.add(Block.preNorm(norm, attention.withWindow(windows.get(i)), network));
    }
    return sizes.decoder(modelType(), blocks, norm);
  }

  private Attention attention(ModelConfig config, DecoderSizes sizes, Norm norm) {
    Rotary rotary = RopeConfig.of(config, Rotary.Layout.HALF, sizes.headDim());
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(),
        third ? new Attention.QkNorm(norm, true) : null, rotary);
    if (third) {
      boolean bias = config.bool("attention_bias", false);
      return attention.withBias(bias, bias);
    }
    return attention.withBias(config.bool("qkv_bias", true), false);
  }

  private List<@Nullable Integer> windows(ModelConfig config, int layers) {
    boolean sliding = config.bool("use_sliding_window", false);
    if (third) {
      return Windows.of(config, layers, layer -> sliding);
    }
    int first = config.nonNegativeInt("max_window_layers", DecoderSizes.MAX_LAYERS, 0);
    return Windows.of(config, layers, layer -> sliding && layer % 2 == 0 && layer < first);
  }

  private MixtureOfExperts mixture(ModelConfig config) {
    int experts = DecoderSizes.experts(config);
    SharedExpert shared = third
        ? null
        : new SharedExpert(FeedForward.gatedSilu(DecoderSizes.width(config, "shared_expert_intermediate_size")), true);
    return new MixtureOfExperts(experts, config.positiveInt("num_experts_per_tok", experts),
        Router.softmax(config.bool("norm_topk_prob")),
        FeedForward.gatedSilu(DecoderSizes.width(config, "moe_intermediate_size")), shared);
  }
}
