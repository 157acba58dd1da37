package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;
import io.expertmesh.model.family.TensorNames.FeedForwardNames;
import io.expertmesh.model.family.TensorNames.ResidualNames;
import java.util.Collections;

/** Mixtral (arXiv 2401.04088); transformers {@code models/mixtral/modeling_mixtral.py}. */
final class Mixtral implements ModelFamily {
  private static final FeedForwardNames W1_W3_W2 = new FeedForwardNames("w1", "w3", "w2");

  @Override
  public String modelType() {
    return "mixtral";
  }

  @Override
  public TensorNames names() {
    return blockSparse(TensorNames.usual());
  }

  /** Mixtral's names of a mixture, which others took over. */
  static TensorNames blockSparse(TensorNames usual) {
    return usual.withResiduals(new ResidualNames("input_layernorm", "self_attn", null),
        new ResidualNames("post_attention_layernorm", "block_sparse_moe", null))
        .withMoe(usual.moe().withExpert(W1_W3_W2));
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    DecoderSizes sizes = DecoderSizes.of(config);
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(), null,
        RopeConfig.of(config, Rotary.Layout.HALF, sizes.headDim(), 1_000_000f)).withWindow(Windows.size(config));
    int experts = DecoderSizes.experts(config);
    MixtureOfExperts moe = new MixtureOfExperts(experts, config.positiveInt("num_experts_per_tok", experts),
        Router.softmax(true), FeedForward.gatedSilu(DecoderSizes.width(config, "intermediate_size")), null);
    return sizes.decoder(modelType(), Collections.nCopies(sizes.layers(), Block.preNorm(norm, attention, moe)), norm);
  }
}
