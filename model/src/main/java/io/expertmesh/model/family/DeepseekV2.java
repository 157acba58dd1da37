package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;

/** DeepSeek-V2 (arXiv 2405.04434); transformers {@code models/deepseek_v2/modeling_deepseek_v2.py}. */
final class DeepseekV2 implements ModelFamily {
  @Override
  public String modelType() {
    return "deepseek_v2";
  }

  @Override
  public TensorNames names() {
    return TensorNames.deepseek();
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    config.requireAbsentOr("scoring_func", "softmax");
    if (config.bool("norm_topk_prob", false)) {
      throw config
          .invalid("\"norm_topk_prob\" is true; DeepSeek's code and transformers disagree on what that means for "
              + "deepseek_v2, so only false is supported");
    }
    DecoderSizes sizes = DeepseekParts.latentSizes(config);
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    LatentAttention attention = DeepseekParts.latentAttention(config, sizes, Rotary.Layout.INTERLEAVED);
    boolean bias = config.bool("mlp_bias", false);
    FeedForward dense = new FeedForward(DecoderSizes.width(config, "intermediate_size"), new Activation.GatedSilu(),
        bias);
    return sizes.decoder(modelType(), DeepseekParts.blocks(config, sizes.layers(), 0, norm, attention, dense,
        DeepseekParts.mixture(config, router(config), bias)), norm);
  }

  /** Softmax over all experts; experts of groups that are not used have a weight of 0. */
  private static Router router(ModelConfig config) {
    String method = config.text("topk_method");
    Router.Groups groups = switch (method == null ? "greedy" : method) {
      case "greedy" -> null;
      case "group_limited_greedy" -> DeepseekParts.groups(config, 1);
      default -> throw config.invalid(
          "\"topk_method\" is \"%s\"; supported: greedy, group_limited_greedy".formatted(method));
    };
    return new Router(Router.Scoring.SOFTMAX, false, false, groups, false,
        config.positiveFloat("routed_scaling_factor"));
  }
}
