package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;
import java.util.Collections;

/** OLMoE (arXiv 2409.02060); transformers {@code models/olmoe/modeling_olmoe.py}. */
final class Olmoe implements ModelFamily {
  @Override
  public String modelType() {
    return "olmoe";
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    boolean bias = config.bool("attention_bias", false);
    DecoderSizes sizes = DecoderSizes.of(config);
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(),
        new Attention.QkNorm(norm, false), RopeConfig.of(config, Rotary.Layout.HALF, sizes.headDim()))
        .withBias(bias, bias).withClip(config.optionalPositiveFloat("clip_qkv"));
    int experts = config.positiveInt("num_experts", DecoderSizes.MAX_EXPERTS);
    MixtureOfExperts moe = new MixtureOfExperts(experts, config.positiveInt("num_experts_per_tok", experts),
        Router.softmax(config.bool("norm_topk_prob")),
        FeedForward.gatedSilu(config.positiveInt("intermediate_size", DecoderSizes.MAX_WIDTH)), null);
    return sizes.decoder(modelType(), Collections.nCopies(sizes.layers(), Block.preNorm(norm, attention, moe)), norm);
  }
}
