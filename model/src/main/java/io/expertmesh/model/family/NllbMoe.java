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
import io.expertmesh.model.architecture.Residual;
import io.expertmesh.model.architecture.Router;
import io.expertmesh.model.architecture.Router.Scoring;
import io.expertmesh.model.architecture.SinusoidalPositions;
import io.expertmesh.model.family.TensorNames.AttentionNames;
import io.expertmesh.model.family.TensorNames.EncoderNames;
import io.expertmesh.model.family.TensorNames.FeedForwardNames;
import io.expertmesh.model.family.TensorNames.MoeNames;
import io.expertmesh.model.family.TensorNames.ResidualNames;
import java.util.ArrayList;
import java.util.List;

/**
 * NLLB-MoE (arXiv 2207.04672); {@code models/nllb_moe/modeling_nllb_moe.py} of transformers 4.57.6. Newer releases send
 * every token to the experts 0 and 1.
 */
final class NllbMoe implements ModelFamily {
  /** That of torch.nn.LayerNorm; the configuration has none. */
  private static final float NORM_EPSILON = 1e-5f;
  private static final int CHOICES = 2;
  private static final int PADDING = 1;

  @Override
  public String modelType() {
    return "nllb-moe";
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("activation_function", "relu");
    config.requireAbsentOr("router_dtype", "float32");
    config.requireAbsentOr("second_expert_policy", "all");
    int hidden = config.positiveInt("d_model", DecoderSizes.MAX_WIDTH);
    if (hidden % 2 != 0 || hidden < 4) {
      throw config.invalid("\"d_model\" is %d; an even number of at least 4 is needed".formatted(hidden));
    }
    int experts = config.positiveInt("num_experts", DecoderSizes.MAX_EXPERTS);
    if (experts < CHOICES) {
      throw config.invalid("\"num_experts\" is %d; every token has %d".formatted(experts, CHOICES));
    }
    Norm norm = new Norm(Norm.Kind.LAYER, NORM_EPSILON);
    Router router = router(config);
    Attention encoderAttention = attention(config, "encoder", hidden).bidirectional();
    Attention decoderAttention = attention(config, "decoder", hidden);
    CrossAttention cross = new CrossAttention(decoderAttention.heads(), decoderAttention.headDim(), true,
        decoderAttention.scale());
    int encoderLayers = config.positiveInt("encoder_layers", DecoderSizes.MAX_LAYERS);
    List<Block> blocks = new ArrayList<>();
    for (Operation operation : networks(config, "encoder", encoderLayers, experts, router)) {
      blocks.add(Block.preNorm(norm, encoderAttention, operation));
    }
    int decoderLayers = config.positiveInt("decoder_layers", DecoderSizes.MAX_LAYERS);
    for (Operation operation : networks(config, "decoder", decoderLayers, experts, router)) {
      blocks.add(new Block(List.of(Residual.preNorm(norm, decoderAttention), Residual.preNorm(norm, cross),
          Residual.preNorm(norm, operation))));
    }
    return new Architecture(modelType(), config.positiveInt("vocab_size", DecoderSizes.MAX_VOCABULARY), hidden,
        config.positiveInt("max_position_embeddings", DecoderSizes.MAX_CONTEXT),
        config.bool("scale_embedding") ? (float) Math.sqrt(hidden) : 1f,
        new SinusoidalPositions(config.positiveInt("pad_token_id", DecoderSizes.MAX_VOCABULARY, PADDING)),
        new Encoder(encoderLayers, norm), blocks, norm, 1f, false, config.bool("tie_word_embeddings", true));
  }

  private static Attention attention(ModelConfig config, String stack, int hidden) {
    int heads = config.positiveInt(stack + "_attention_heads", DecoderSizes.MAX_WIDTH);
    if (hidden % heads != 0) {
      throw config.invalid("asks for %d %s heads over %d floats; one must divide the other"
          .formatted(heads, stack, hidden));
    }
    return Attention.of(heads, heads, hidden / heads, null, null).withBias(true, true);
  }

  private static Router router(ModelConfig config) {
    float dropout = config.number("moe_token_dropout", 0f);
    if (dropout < 0 || dropout >= 1) {
      throw config.invalid("\"moe_token_dropout\" is %s, not a number from 0 to 1 (exclusive)".formatted(dropout));
    }
    // In double, or 0.6 of five tokens would be more than three.
    double fraction = config.exactNumber("moe_eval_capacity_token_fraction", 1);
    Capacity capacity = fraction > 0
        ? new Capacity.Part(fraction)
        : new Capacity.Fixed(config.positiveInt("expert_capacity", Integer.MAX_VALUE));
    // In training a part of the experts' outputs is dropped; at other times all of them are scaled by what is left.
    return new Router(Scoring.SOFTMAX, config.bool("router_bias", false), false, null, true, 1 - dropout)
        .withCapacity(capacity, new Capacity.Overflow(config.bool("batch_prioritized_routing", false),
            !config.bool("normalize_router_prob_before_dropping", false)));
  }

  /** By layer of a stack: its dense network or its mixture. */
  private static List<Operation> networks(ModelConfig config, String stack, int layers, int experts, Router router) {
    FeedForward network = new FeedForward(config.positiveInt(stack + "_ffn_dim", DecoderSizes.MAX_WIDTH),
        new Activation.Relu(), true);
    MixtureOfExperts moe = new MixtureOfExperts(experts, CHOICES, router, network, null);
    int step = config.nonNegativeInt(stack + "_sparse_step", DecoderSizes.MAX_LAYERS, 0);
    List<Operation> operations = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      operations.add(step > 0 && (i + 1) % step == 0 ? moe : network);
    }
    return operations;
  }

  @Override
  public TensorNames names() {
    FeedForwardNames network = new FeedForwardNames("", "fc1", "fc2");
    ResidualNames attention = new ResidualNames("self_attn_layer_norm", "self_attn", null);
    ResidualNames cross = new ResidualNames("cross_attention_layer_norm", "cross_attention", null);
    ResidualNames feedForward = new ResidualNames("ff_layer_norm", "ffn", null);
    return new TensorNames("model.shared.weight", "model.decoder.layer_norm", "lm_head", "model.decoder.layers.",
        List.of(attention, cross, feedForward),
        new AttentionNames("q_proj", "k_proj", "v_proj", "out_proj", "", "", "", ""),
        new MoeNames("router.classifier", "", "experts", ".expert_", network, "", ""), network,
        new EncoderNames("model.encoder.layer_norm", "model.encoder.layers.", List.of(attention, feedForward)),
        List.of("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"));
  }
}
