package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Rotary;
import java.util.List;

/** DeepSeek-V3 and R1 (arXiv 2412.19437); transformers {@code models/deepseek_v3/modeling_deepseek_v3.py}. */
final class DeepseekV3 implements ModelFamily {
  @Override
  public String modelType() {
    return "deepseek_v3";
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
    DecoderSizes sizes = DeepseekParts.latentSizes(config);
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    LatentAttention attention = DeepseekParts.latentAttention(config, sizes,
        config.bool("rope_interleave", true) ? Rotary.Layout.INTERLEAVED : Rotary.Layout.HALF);
    FeedForward dense = FeedForward.gatedSilu(DecoderSizes.width(config, "intermediate_size"));
    return sizes.decoder(modelType(), DeepseekParts.blocks(config, sizes.layers(), 3, norm, attention, dense,
        DeepseekParts.mixture(config, DeepseekParts.corrected(config), false)), norm);
  }
}
