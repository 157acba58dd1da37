package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;
import org.jspecify.annotations.Nullable;

/** DeepSeekMoE (arXiv 2401.06066), the release's {@code modeling_deepseek.py}. */
final class Deepseek implements ModelFamily {
  @Override
  public String modelType() {
    return "deepseek";
  }

  @Override
  public TensorNames names() {
    return TensorNames.deepseek();
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    config.requireAbsentOr("scoring_func", "softmax");
    DecoderSizes sizes = DecoderSizes.of(config);
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    boolean bias = config.bool("attention_bias", false);
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(), null,
        RopeConfig.of(config, Rotary.Layout.HALF, sizes.headDim())).withBias(bias, bias);
    FeedForward dense = FeedForward.gatedSilu(DecoderSizes.width(config, "intermediate_size"));
    return sizes.decoder(modelType(),
        DeepseekParts.blocks(config, sizes.layers(), 0, norm, attention, dense, mixture(config)), norm);
  }

  private static @Nullable MixtureOfExperts mixture(ModelConfig config) {
    if (!config.has("n_routed_experts")) {
      return null;
    }
    boolean several = DecoderSizes.width(config, "num_experts_per_tok") > 1;
    return DeepseekParts.mixture(config, Router.softmax(several && config.bool("norm_topk_prob")), false);
  }
}
