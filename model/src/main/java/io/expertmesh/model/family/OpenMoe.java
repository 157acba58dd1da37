package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.Capacity;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;
import io.expertmesh.model.family.TensorNames.ResidualNames;
import java.util.ArrayList;
import java.util.List;

/**
 * OpenMoE (arXiv 2402.01739); {@code modeling_openmoe.py} of the authors' ColossalAI branch {@code my_openmoe}. Fields
 * that their code ignores, such as {@code rope_theta}, are ignored here too.
 */
final class OpenMoe implements ModelFamily {
  private static final String MODEL_CLASS = "OpenMoeForCausalLM";
  private static final float ROPE_THETA = 10_000f;

  @Override
  public String modelType() {
    return "openmoe";
  }

  /** By the class, because the releases say {@code "model_type": "llama"}. */
  @Override
  public boolean matches(ModelConfig config) {
    List<String> classes = config.texts("architectures");
    String remote = config.text("auto_map.AutoModelForCausalLM");
    return config.modelType().equals(modelType()) || (classes != null && classes.contains(MODEL_CLASS))
        || (remote != null && remote.endsWith("." + MODEL_CLASS));
  }

  @Override
  public TensorNames names() {
    TensorNames names = TensorNames.usual();
    return names
        .withResiduals(new ResidualNames("input_layernorm", "self_attn", null),
            new ResidualNames("post_attention_layernorm", "mlp", null),
            new ResidualNames("pre_extra_mlp_layernorm", "extra_mlp", null))
        .withMoe(names.moe().withGate("gate_weight"));
  }

  @Override
  public List<String> releasedForm() {
    return List.of("mlp.gate_weight", ".experts.wi_gate");
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "swiglu");
    if (!config.bool("mlp_gated", true)) {
      throw config.invalid("\"mlp_gated\" is false; only gated networks are supported");
    }
    DecoderSizes sizes = DecoderSizes.of(config);
    if (sizes.tied()) {
      throw config.invalid("\"tie_word_embeddings\" is true; OpenMoE has an output matrix of its own");
    }
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(), null,
        RopeConfig.unscaled(Rotary.Layout.HALF, sizes.headDim(), ROPE_THETA)).withScale(1f);
    FeedForward network = new FeedForward(DecoderSizes.width(config, "intermediate_size"),
        new Activation.DoubleGatedSilu(), false);
    MixtureOfExperts moe = mixture(config, network);
    int interval = config.positiveInt("moe_layer_interval", DecoderSizes.MAX_LAYERS);
    List<Block> blocks = new ArrayList<>();
    for (int layer = 0; layer < sizes.layers(); layer++) {
      blocks.add((layer + 1) % interval == 0
          ? new Block(List.of(Residual.preNorm(norm, attention), Residual.preNorm(norm, moe),
              Residual.preNorm(norm, network)))
          : Block.preNorm(norm, attention, network));
    }
    return sizes.decoder(modelType(), blocks, norm);
  }

  private static MixtureOfExperts mixture(ModelConfig config, FeedForward network) {
    int experts = DecoderSizes.experts(config);
    int topK = config.positiveInt("router_topk", Math.min(2, experts));
    return new MixtureOfExperts(experts, topK,
        Router.softmax(false).withCapacity(capacity(config, experts, topK)), network, null);
  }

  private static Capacity capacity(ModelConfig config, int experts, int topK) {
    if (!config.bool("router_drop_tks", true)) {
      throw config.invalid("\"router_drop_tks\" is false, which the authors' code does not obey on one device: it "
          + "drops tokens all the same; set it to true");
    }
    double factor = config.positiveDouble("router_capacity_factor_eval");
    int minimum = config.nonNegativeInt("router_min_capacity", DecoderSizes.MAX_WIDTH, -1);
    if (minimum < 0) {
      throw config.invalid("has no \"router_min_capacity\"");
    }
    Capacity capacity = new Capacity.EvenShare(factor, minimum);
    if (capacity.of(1, experts, topK) == 0) {
      throw config.invalid("gives experts a capacity of 0: \"router_min_capacity\" is 0 and "
          .concat("\"router_capacity_factor_eval\" %s; short prompts would use no expert".formatted(factor)));
    }
    return capacity;
  }
}
