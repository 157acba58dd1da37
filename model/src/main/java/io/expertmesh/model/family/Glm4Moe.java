package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Rotary;
import java.util.List;

/** GLM-4.5 (arXiv 2508.06471); transformers {@code models/glm4_moe/modeling_glm4_moe.py}. */
final class Glm4Moe implements ModelFamily {
  private static final float USUAL_ROTATED_PART = 0.5f;

  @Override
  public String modelType() {
    return "glm4_moe";
  }

  @Override
  public TensorNames names() {
    return TensorNames.deepseek();
  }

  @Override
  public List<String> unused(ModelConfig config) {
    return DeepseekParts.predictionLayers(config);
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    DecoderSizes sizes = DecoderSizes.of(config);
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(),
        config.bool("use_qk_norm", false) ? new Attention.QkNorm(norm, true) : null,
        RopeConfig.ofPart(config, Rotary.Layout.HALF, sizes.headDim(), USUAL_ROTATED_PART))
        .withBias(config.bool("attention_bias", false), false);
    FeedForward dense = FeedForward.gatedSilu(DecoderSizes.width(config, "intermediate_size"));
    return sizes.decoder(modelType(), DeepseekParts.blocks(config, sizes.layers(), 1, norm, attention, dense,
        DeepseekParts.mixture(config, DeepseekParts.corrected(config), false)), norm);
  }
}
