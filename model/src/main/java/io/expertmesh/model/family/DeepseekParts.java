package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.MixtureOfExperts.SharedExpert;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Operation;
import io.expertmesh.model.architecture.Rotary;
import io.expertmesh.model.architecture.Router;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What the families that follow DeepSeek's models have in common. */
final class DeepseekParts {
  /** Of the norms of both latents, whatever {@code rms_norm_eps} says. */
  private static final Norm LATENT_NORM = Norm.rms(1e-6f);

  private DeepseekParts() {}

  /**
   * Pre-norm blocks, dense up to {@code first_k_dense_replace}; from there on every {@code moe_layer_freq}-th has a
   * mixture.
   *
   * @param firstDense what is taken where {@code first_k_dense_replace} is missing
   * @param moe null if all layers are dense
   */
  static List<Block> blocks(ModelConfig config, int layers, int firstDense, Norm norm, Operation attention,
      FeedForward dense, @Nullable MixtureOfExperts moe) {
    int first = config.nonNegativeInt("first_k_dense_replace", DecoderSizes.MAX_LAYERS, firstDense);
    int step = config.positiveInt("moe_layer_freq", DecoderSizes.MAX_LAYERS, 1);
    List<Block> blocks = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      blocks.add(Block.preNorm(norm, attention, moe != null && i >= first && i % step == 0 ? moe : dense));
    }
    return blocks;
  }

  /** The sizes of a model with latent attention, whose {@code head_dim} means nothing. */
  static DecoderSizes latentSizes(ModelConfig config) {
    return DecoderSizes.withHeadsOf(config,
        DecoderSizes.width(config, "qk_nope_head_dim") + DecoderSizes.width(config, "qk_rope_head_dim"));
  }

  static LatentAttention latentAttention(ModelConfig config, DecoderSizes sizes, Rotary.Layout layout) {
    int rotated = DecoderSizes.width(config, "qk_rope_head_dim");
    if (rotated % 2 != 0) {
      throw config.invalid("\"qk_rope_head_dim\" is %d, but floats are rotated in pairs".formatted(rotated));
    }
    float scale = (float) (1 / Math.sqrt(sizes.headDim())) * RopeConfig.scoreFactor(config);
    return new LatentAttention(sizes.heads(),
        config.has("q_lora_rank") ? DecoderSizes.width(config, "q_lora_rank") : null,
        DecoderSizes.width(config, "kv_lora_rank"), DecoderSizes.width(config, "qk_nope_head_dim"),
        DecoderSizes.width(config, "v_head_dim"), config.bool("attention_bias", false), LATENT_NORM,
        RopeConfig.of(config, layout, rotated), scale);
  }

  /**
   * Experts of {@code moe_intermediate_size}; the shared ones are one network, {@code n_shared_experts} times as wide.
   *
   * @param sharedBias whether the shared network has biases
   */
  static MixtureOfExperts mixture(ModelConfig config, Router router, boolean sharedBias) {
    int experts = DecoderSizes.experts(config);
    int topK = config.positiveInt("num_experts_per_tok", experts);
    Router.Groups groups = router.groups();
    if (groups != null && topK > groups.chosen() * (experts / groups.count())) {
      throw config.invalid("\"num_experts_per_tok\" is %d, but %d of %d groups of %d experts have only %d".formatted(
          topK, groups.chosen(), groups.count(), experts / groups.count(),
          groups.chosen() * (experts / groups.count())));
    }
    int size = DecoderSizes.width(config, "moe_intermediate_size");
    int shared = config.nonNegativeInt("n_shared_experts", DecoderSizes.MAX_WIDTH / size, 0);
    return new MixtureOfExperts(experts, topK, router, FeedForward.gatedSilu(size), shared == 0
        ? null
        : new SharedExpert(new FeedForward(size * shared, new Activation.GatedSilu(), sharedBias), false));
  }

  /**
   * The router of DeepSeek-V3 (arXiv 2412.19437, section 2.1.2), which GLM-4.5 took over: sigmoid scores, experts chosen
   * with a correction that their weights do not have.
   */
  static Router corrected(ModelConfig config) {
    config.requireAbsentOr("scoring_func", "sigmoid");
    config.requireAbsentOr("topk_method", "noaux_tc");
    return new Router(Router.Scoring.SIGMOID, false, true, groups(config, 2), config.bool("norm_topk_prob"),
        config.positiveFloat("routed_scaling_factor"));
  }

  /**
   * {@code n_group} groups, of which {@code topk_group} are used; null where these are all.
   *
   * @param best of a group that its rank is taken from
   */
  static Router.@Nullable Groups groups(ModelConfig config, int best) {
    int experts = DecoderSizes.experts(config);
    int count = config.positiveInt("n_group", experts);
    int chosen = config.positiveInt("topk_group", count);
    if (experts % count != 0) {
      throw config.invalid("has %d experts in %d groups (\"n_group\"), which are not of one size"
          .formatted(experts, count));
    }
    if (chosen == count) {
      return null;
    }
    if (experts / count < best) {
      throw config.invalid("has %d experts in %d groups (\"n_group\"); a group is ranked by its best %d experts"
          .formatted(experts, count, best));
    }
    return new Router.Groups(count, chosen, best);
  }

  /**
   * Prefixes of the layers that predict further tokens, {@code num_nextn_predict_layers} of them after the last layer:
   * answers are the same without.
   */
  static List<String> predictionLayers(ModelConfig config) {
    int layers = config.positiveInt("num_hidden_layers", DecoderSizes.MAX_LAYERS);
    int more = config.nonNegativeInt("num_nextn_predict_layers", DecoderSizes.MAX_LAYERS, 0);
    return IntStream.range(layers, layers + more).mapToObj("model.layers.%d."::formatted).toList();
  }
}
