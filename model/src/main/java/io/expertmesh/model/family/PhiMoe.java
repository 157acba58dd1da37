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

/** Phi-3.5-MoE (arXiv 2404.14219); transformers {@code models/phimoe/modeling_phimoe.py}. */
final class PhiMoe implements ModelFamily {
  /** The router has two rounds, whatever the configuration says. */
  private static final int CHOSEN = 2;

  @Override
  public String modelType() {
    return "phimoe";
  }

  @Override
  public TensorNames names() {
    return Mixtral.blockSparse(TensorNames.usual());
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    DecoderSizes sizes = DecoderSizes.of(config);
    Norm norm = new Norm(Norm.Kind.LAYER, config.positiveFloat("rms_norm_eps"));
    boolean bias = config.bool("attention_bias", false);
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(), null,
        RopeConfig.byLength(config, Rotary.Layout.HALF, sizes.headDim(), 1_000_000f))
        .withBias(bias, bias).withWindow(Windows.size(config));
    int experts = DecoderSizes.experts(config);
    int chosen = config.positiveInt("num_experts_per_tok", experts);
    if (chosen != CHOSEN) {
      throw config.invalid("\"num_experts_per_tok\" is %d; phimoe models choose 2".formatted(chosen));
    }
    float jitter = config.number("router_jitter_noise", 0.01f);
    if (jitter < 0) {
      throw config.invalid("\"router_jitter_noise\" is %s, not a number from 0 on".formatted(jitter));
    }
    MixtureOfExperts moe = new MixtureOfExperts(experts, chosen, Router.sparseMixer(2 * jitter),
        FeedForward.gatedSilu(DecoderSizes.width(config, "intermediate_size")), null);
    return sizes.decoder(modelType(), Collections.nCopies(sizes.layers(), Block.preNorm(norm, attention, moe)), norm)
        .withOutputBias(config.bool("lm_head_bias", false));
  }
}
