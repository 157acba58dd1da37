package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Rotary;
import java.util.Collections;

/** OLMo (arXiv 2402.00838), dense: norms without parameters; transformers {@code models/olmo/modeling_olmo.py}. */
final class Olmo implements ModelFamily {
  private static final Norm NORM = new Norm(Norm.Kind.LAYER_WITHOUT_PARAMETERS, 1e-5f);

  @Override
  public String modelType() {
    return "olmo";
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    DecoderSizes sizes = DecoderSizes.of(config);
    boolean bias = config.bool("attention_bias", false);
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(), null,
        RopeConfig.of(config, Rotary.Layout.HALF, sizes.headDim())).withBias(bias, bias)
        .withClip(config.optionalPositiveFloat("clip_qkv"));
    FeedForward network = FeedForward.gatedSilu(DecoderSizes.width(config, "intermediate_size"));
    return sizes.decoder(modelType(), Collections.nCopies(sizes.layers(), Block.preNorm(NORM, attention, network)),
        NORM);
  }
}
