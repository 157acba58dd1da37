package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;
import java.util.ArrayList;
import java.util.List;

/** gpt-oss; transformers {@code models/gpt_oss/modeling_gpt_oss.py}. */
final class GptOss implements ModelFamily {
  @Override
  public String modelType() {
    return "gpt_oss";
  }

  @Override
  public TensorNames names() {
    TensorNames names = TensorNames.usual();
    return names.withMoe(names.moe().withGate("router"));
  }

  @Override
  public List<String> releasedForm() {
    return List.of(".experts.gate_up_proj");
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    DecoderSizes sizes = DecoderSizes.of(config);
    if (!config.has("rope_parameters") && !config.has("rope_scaling")) {
      throw config
          .invalid("has neither \"rope_parameters\" nor \"rope_scaling\": transformers takes YaRN with a factor "
              + "of 32 for gpt_oss then, other programs none; write down which is meant, "
              + "such as \"rope_scaling\": {\"rope_type\": \"default\"}");
    }
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    boolean bias = config.bool("attention_bias");
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(), null,
        RopeConfig.of(config, Rotary.Layout.HALF, sizes.headDim(), 150_000f)).withBias(bias, bias).withSinks();
    Activation activation = new Activation.ClampedSwish(
        config.has("swiglu_alpha") ? config.positiveFloat("swiglu_alpha") : 1.702f,
        config.positiveFloat("swiglu_limit"));
    int experts = DecoderSizes.experts(config);
    MixtureOfExperts moe = new MixtureOfExperts(experts, config.positiveInt("num_experts_per_tok", experts),
        Router.softmaxOfChosen(true),
        new FeedForward(DecoderSizes.width(config, "intermediate_size"), activation, true), null);
    List<Block> blocks = new ArrayList<>();
    for (Integer window : Windows.of(config, sizes.layers(), layer -> layer % 2 == 0)) {
      blocks.add(Block.preNorm(norm, attention.withWindow(window), moe));
    }
    return sizes.decoder(modelType(), blocks, norm);
  }
}
