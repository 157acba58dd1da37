package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Operation;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;
import io.expertmesh.model.family.TensorNames.ResidualNames;
import java.util.Collections;
import java.util.List;

/**
 * Blocks that normalise what a branch gives: OLMo 2 (arXiv 2501.00656), dense, and FlexOlmo (arXiv 2507.07024), its
 * mixture; transformers {@code models/olmo2/modeling_olmo2.py}, {@code models/flex_olmo/modeling_flex_olmo.py}.
 */
final class Olmo2 implements ModelFamily {
  private final boolean flex;

  private Olmo2(boolean flex) {
    this.flex = flex;
  }

  static Olmo2 dense() {
    return new Olmo2(false);
  }

  static Olmo2 flex() {
    return new Olmo2(true);
  }

  @Override
  public String modelType() {
    return flex ? "flex_olmo" : "olmo2";
  }

  @Override
  public TensorNames names() {
    return TensorNames.usual().withResiduals(new ResidualNames(null, "self_attn", "post_attention_layernorm"),
        new ResidualNames(null, "mlp", "post_feedforward_layernorm"));
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    DecoderSizes sizes = DecoderSizes.of(config);
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    boolean bias = config.bool("attention_bias", false);
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(),
        new Attention.QkNorm(norm, false),
        RopeConfig.of(config, Rotary.Layout.HALF, sizes.headDim(), flex ? 500_000f : 10_000f)).withBias(bias, bias);
    Block block = new Block(List.of(Residual.postNorm(attention, norm), Residual.postNorm(network(config), norm)));
    return sizes.decoder(modelType(), Collections.nCopies(sizes.layers(), block), norm);
  }

  private Operation network(ModelConfig config) {
    FeedForward network = FeedForward.gatedSilu(DecoderSizes.width(config, "intermediate_size"));
    if (!flex) {
      return network;
    }
    int experts = DecoderSizes.experts(config);
    return new MixtureOfExperts(experts, config.positiveInt("num_experts_per_tok", experts),
        Router.softmax(config.bool("norm_topk_prob")), network, null);
  }
}
