package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.Capacity;
import io.expertmesh.model.architecture.CrossAttention;
import io.expertmesh.model.architecture.Encoder;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Operation;
import io.expertmesh.model.architecture.RelativeBias;
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.architecture.Router;
import io.expertmesh.model.architecture.Router.Scoring;
import io.expertmesh.model.family.TensorNames.AttentionNames;
import io.expertmesh.model.family.TensorNames.EncoderNames;
import io.expertmesh.model.family.TensorNames.FeedForwardNames;
import io.expertmesh.model.family.TensorNames.MoeNames;
import io.expertmesh.model.family.TensorNames.ResidualNames;
import java.util.ArrayList;
import java.util.List;

/**
 * Switch Transformers (arXiv 2101.03961), T5 with experts; transformers
 * {@code models/switch_transformers/modeling_switch_transformers.py}.
 */
final class SwitchTransformers implements ModelFamily {
  /** Positions are relative, so that no configuration limits them; what T5 was trained with is 512. */
  private static final int CONTEXT = 2048;
  private static final int DEFAULT_SPARSE_LAYERS = 3;

  @Override
  public String modelType() {
    return "switch_transformers";
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("dense_act_fn", "relu");
    config.requireAbsentOr("router_dtype", "float32");
    int hidden = config.positiveInt("d_model", DecoderSizes.MAX_WIDTH);
    Norm norm = Norm.rms(config.positiveFloat("layer_norm_epsilon"));
    int encoderLayers = config.positiveInt("num_layers", DecoderSizes.MAX_LAYERS);
    int decoderLayers = config.positiveInt("num_decoder_layers", DecoderSizes.MAX_LAYERS, encoderLayers);
    int encoderStep = step(config, "encoder", encoderLayers);
    int decoderStep = step(config, "decoder", decoderLayers);
    Attention encoderAttention = attention(config, true);
    Attention decoderAttention = attention(config, false);
    CrossAttention cross = new CrossAttention(decoderAttention.heads(), decoderAttention.headDim(), false, 1f);
    FeedForward network = new FeedForward(config.positiveInt("d_ff", DecoderSizes.MAX_WIDTH), new Activation.Relu(),
        false);
    MixtureOfExperts moe = new MixtureOfExperts(config.positiveInt("num_experts", DecoderSizes.MAX_EXPERTS), 1,
        router(config), network, null);
    List<Block> blocks = new ArrayList<>();
    for (int i = 0; i < encoderLayers; i++) {
      blocks.add(Block.preNorm(norm, encoderAttention, sparse(i, encoderStep) ? moe : network));
    }
    for (int i = 0; i < decoderLayers; i++) {
      Operation last = sparse(i, decoderStep) ? moe : network;
      blocks.add(new Block(List.of(Residual.preNorm(norm, decoderAttention), Residual.preNorm(norm, cross),
          Residual.preNorm(norm, last))));
    }
    boolean tied = config.bool("tie_word_embeddings", true);
    return new Architecture(modelType(), config.positiveInt("vocab_size", DecoderSizes.MAX_VOCABULARY), hidden,
        config.positiveInt("n_positions", DecoderSizes.MAX_CONTEXT, CONTEXT), 1f, null,
        new Encoder(encoderLayers, norm), blocks, norm, tied ? (float) (1 / Math.sqrt(hidden)) : 1f, false, tied);
  }

  private static Attention attention(ModelConfig config, boolean encoder) {
    int heads = config.positiveInt("num_heads", DecoderSizes.MAX_WIDTH);
    int buckets = config.positiveInt("relative_attention_num_buckets", DecoderSizes.MAX_WIDTH);
    int distance = config.positiveInt("relative_attention_max_distance", DecoderSizes.MAX_WIDTH);
    if (buckets < 4 || buckets % 2 != 0 || distance <= buckets / 2) {
      throw config.invalid(
          "asks for %d relative_attention_num_buckets up to a distance of %d; an even number of at least 4 is needed, and a distance above half of it"
              .formatted(buckets, distance));
    }
    Attention attention = Attention
        .of(heads, heads, config.positiveInt("d_kv", DecoderSizes.MAX_WIDTH), null, null)
        .withScale(1f).withRelativeBias(new RelativeBias(buckets, distance, encoder));
    return encoder ? attention.bidirectional() : attention;
  }

  private static Router router(ModelConfig config) {
    return new Router(Scoring.SOFTMAX, config.bool("router_bias", false), false, null, false, 1f)
        .withCapacity(new Capacity.Fixed(config.positiveInt("expert_capacity", Integer.MAX_VALUE)));
  }

  /** From one sparse layer to the next; 0 if there are none. */
  private static int step(ModelConfig config, String stack, int layers) {
    int sparse = config.nonNegativeInt("num_sparse_" + stack + "_layers", DecoderSizes.MAX_LAYERS,
        DEFAULT_SPARSE_LAYERS);
    return config.nonNegativeInt(stack + "_sparse_step", DecoderSizes.MAX_LAYERS,
        sparse == 0 ? layers : layers / sparse);
  }

  private static boolean sparse(int layer, int step) {
    return step == 1 || (step > 0 && layer % step == 1);
  }

  @Override
  public TensorNames names() {
    FeedForwardNames network = new FeedForwardNames("", "wi", "wo");
    return new TensorNames("shared.weight", "decoder.final_layer_norm", "lm_head", "decoder.block.",
        List.of(residual(0, "SelfAttention"), residual(1, "EncDecAttention"), residual(2, "mlp")),
        new AttentionNames("q", "k", "v", "o", "", "", "", "relative_attention_bias"),
        new MoeNames("router.classifier", "", "experts", ".expert_", network, "", ""), network,
        new EncoderNames("encoder.final_layer_norm", "encoder.block.",
            List.of(residual(0, "SelfAttention"), residual(1, "mlp"))),
        List.of("encoder.embed_tokens.weight", "decoder.embed_tokens.weight"));
  }

  private static ResidualNames residual(int index, String operation) {
    String prefix = "layer." + index + ".";
    return new ResidualNames(prefix + "layer_norm", prefix + operation, null);
  }
}
