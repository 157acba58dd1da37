package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;
import java.util.Collections;
import java.util.List;

/** Granite 3 MoE; transformers {@code models/granitemoe/modeling_granitemoe.py}. */
final class GraniteMoe implements ModelFamily {
  @Override
  public String modelType() {
    return "granitemoe";
  }

  @Override
  public TensorNames names() {
    TensorNames names = Mixtral.blockSparse(TensorNames.usual());
    return names.withMoe(names.moe().withGate("router.layer"));
  }

  @Override
  public List<String> releasedForm() {
    return List.of(".input_linear.weight");
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    DecoderSizes sizes = DecoderSizes.of(config);
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    boolean bias = config.bool("attention_bias", false);
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(), null,
        RopeConfig.of(config, Rotary.Layout.HALF, sizes.headDim())).withBias(bias, bias)
        .withScale(config.positiveFloat("attention_multiplier"));
    int experts = DecoderSizes.experts(config);
    MixtureOfExperts moe = new MixtureOfExperts(experts, config.positiveInt("num_experts_per_tok", experts),
        Router.softmaxOfChosen(false), FeedForward.gatedSilu(DecoderSizes.width(config, "intermediate_size")), null);
    float scale = config.positiveFloat("residual_multiplier");
    Block block = new Block(
        List.of(new Residual(norm, attention, null, scale), new Residual(norm, moe, null, scale)));
    return sizes.decoder(modelType(), Collections.nCopies(sizes.layers(), block), norm)
        .withScales(config.positiveFloat("embedding_multiplier"), 1 / config.positiveFloat("logits_scaling"));
  }
}
