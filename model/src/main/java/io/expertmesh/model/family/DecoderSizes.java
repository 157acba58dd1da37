package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.architecture.Norm;
import java.util.List;

/**
 * The sizes that every decoder's {@code config.json} gives under the same names.
 *
 * @param headDim floats per head; {@code hidden / heads} unless {@code head_dim} says otherwise
 * @param context {@code max_position_embeddings}
 */
record DecoderSizes(int vocabulary, int hidden, int layers, int heads, int kvHeads, int headDim, int context,
    boolean tied) {
  static final int MAX_WIDTH = 1 << 20;
  static final int MAX_LAYERS = 1024;
  static final int MAX_EXPERTS = 1 << 16;
  static final int MAX_VOCABULARY = 1 << 22;
  static final int MAX_CONTEXT = 1 << 24;

  static DecoderSizes of(ModelConfig config) {
    int hidden = config.positiveInt("hidden_size", MAX_WIDTH);
    int heads = config.positiveInt("num_attention_heads", MAX_WIDTH);
    int kvHeads = config.positiveInt("num_key_value_heads", MAX_WIDTH, heads);
    int headDim = config.positiveInt("head_dim", MAX_WIDTH, Math.max(1, hidden / heads));
    if ((!config.has("head_dim") && hidden % heads != 0) || heads % kvHeads != 0 || headDim % 2 != 0) {
      throw config.invalid("asks for %d heads and %d key heads over %d floats; each must divide the other, heads evenly"
          .formatted(heads, kvHeads, hidden));
    }
    return of(config, heads, kvHeads, headDim);
  }

  /** As {@link #of(ModelConfig)}, but without {@code head_dim}, for attention that has other names for its widths. */
  static DecoderSizes withHeadsOf(ModelConfig config, int headDim) {
    int heads = config.positiveInt("num_attention_heads", MAX_WIDTH);
    int kvHeads = config.positiveInt("num_key_value_heads", MAX_WIDTH, heads);
    if (kvHeads != heads) {
      throw config.invalid("\"num_key_value_heads\" is %d, but latent attention has a key for each of its %d heads"
          .formatted(kvHeads, heads));
    }
    return of(config, heads, kvHeads, headDim);
  }

  private static DecoderSizes of(ModelConfig config, int heads, int kvHeads, int headDim) {
    return new DecoderSizes(config.positiveInt("vocab_size", MAX_VOCABULARY),
        config.positiveInt("hidden_size", MAX_WIDTH), config.positiveInt("num_hidden_layers", MAX_LAYERS), heads,
        kvHeads, headDim, config.positiveInt("max_position_embeddings", MAX_CONTEXT),
        config.bool("tie_word_embeddings", false));
  }

  /** Experts of a layer, under whichever of its names the configuration has it. */
  static int experts(ModelConfig config) {
    for (String name : List.of("num_experts", "num_local_experts", "n_routed_experts")) {
      if (config.has(name)) {
        return config.positiveInt(name, MAX_EXPERTS);
      }
    }
    return config.positiveInt("num_experts", MAX_EXPERTS);
  }

  /** Width of a feed-forward network. */
  static int width(ModelConfig config, String path) {
    return config.positiveInt(path, MAX_WIDTH);
  }

  /** A decoder of these sizes without scales and output bias. */
  Architecture decoder(String modelType, List<Block> blocks, Norm finalNorm) {
    return new Architecture(modelType, vocabulary, hidden, context, 1f, blocks, finalNorm, 1f, false, tied);
  }
}
