package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.FeedForward;
import io.expertmesh.model.architecture.Norm;
import io.expertmesh.model.architecture.Rotary;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Dense models of one kind: Llama, Mistral and Qwen2 differ in biases and windows alone; transformers
 * {@code models/{llama,mistral,qwen2}/modeling_*.py}.
 */
final class Llama implements ModelFamily {
  private final String modelType;

  private Llama(String modelType) {
    this.modelType = modelType;
  }

  static List<ModelFamily> all() {
    return List.of(new Llama("llama"), new Llama("mistral"), new Llama("qwen2"));
  }

  @Override
  public String modelType() {
    return modelType;
  }

  @Override
  public Architecture architecture(ModelConfig config) {
    config.requireAbsentOr("hidden_act", "silu");
    DecoderSizes sizes = DecoderSizes.of(config);
    Norm norm = Norm.rms(config.positiveFloat("rms_norm_eps"));
    Attention attention = Attention.of(sizes.heads(), sizes.kvHeads(), sizes.headDim(), null,
        RopeConfig.of(config, Rotary.Layout.HALF, sizes.headDim()));
    FeedForward network = new FeedForward(DecoderSizes.width(config, "intermediate_size"),
        new Activation.GatedSilu(), modelType.equals("llama") && config.bool("mlp_bias", false));
    List<Block> blocks = new ArrayList<>();
    for (Integer window : windows(config, sizes.layers())) {
      blocks.add(Block.preNorm(norm, biased(config, attention).withWindow(window), network));
    }
    return sizes.decoder(modelType, blocks, norm);
  }

  private Attention biased(ModelConfig config, Attention attention) {
    return switch (modelType) {
      case "qwen2" -> attention.withBias(true, false);
      case "llama" -> {
        boolean bias = config.bool("attention_bias", false);
        yield attention.withBias(bias, bias);
      }
      default -> attention;
    };
  }

  private List<@Nullable Integer> windows(ModelConfig config, int layers) {
    return switch (modelType) {
      case "mistral" -> Windows.of(config, layers, layer -> Windows.size(config) != null);
      case "qwen2" -> {
        boolean sliding = config.bool("use_sliding_window", false);
        int first = config.nonNegativeInt("max_window_layers", DecoderSizes.MAX_LAYERS, 0);
        yield Windows.of(config, layers, layer -> sliding && Windows.size(config) != null && layer >= first);
      }
      default -> Windows.of(config, layers, layer -> false);
    };
  }
}
