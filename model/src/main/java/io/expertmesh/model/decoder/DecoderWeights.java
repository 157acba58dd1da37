package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Matrix;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a decoder, in the kernels' layout.
 *
 * @param embedding (vocabulary, hidden)
 * @param encoderNorm the encoder's final norm (hidden); null for a decoder-only model
 * @param finalNorm (hidden)
 * @param output (vocabulary, hidden)
 * @param outputBias (vocabulary) or null
 */
public record DecoderWeights(Matrix embedding, List<BlockWeights> blocks,
    @Nullable NormWeights encoderNorm, NormWeights finalNorm, Matrix output, float @Nullable [] outputBias) {
  public DecoderWeights {
    blocks = List.copyOf(blocks);
  }

  /** The experts of block {@code layer}, which has a mixture. */
  public LayerExperts experts(int layer) {
    for (ResidualWeights residual : blocks.get(layer).residuals()) {
      if (residual.operation() instanceof MoeWeights moe) {
        return moe.experts();
      }
    }
    throw new IllegalArgumentException("layer %d has no experts".formatted(layer));
  }

  /** One for each residual branch of the block. */
  public record BlockWeights(List<ResidualWeights> residuals) {
    public BlockWeights {
      residuals = List.copyOf(residuals);
    }
  }

  /**
   * @param before (hidden); null without a norm
   * @param after (hidden); null without a norm
   */
  public record ResidualWeights(@Nullable NormWeights before, OperationWeights operation,
      @Nullable NormWeights after) {}

  /** The weights of an operation, of the kind that the description says. */
  public sealed interface OperationWeights
      permits AttentionWeights, LatentAttentionWeights, FeedForwardWeights, MoeWeights {}

  /**
   * @param weight (width)
   * @param bias (width); null for an RMSNorm
   */
  public record NormWeights(float[] weight, float @Nullable [] bias) {}

  /**
   * Of {@code Attention} and {@code CrossAttention}.
   *
   * @param query (queryWidth, hidden)
   * @param key (keyValueWidth, hidden)
   * @param value (keyValueWidth, hidden)
   * @param output (hidden, queryWidth)
   * @param biases null if no projection has one
   * @param queryNorm (queryWidth) or (headDim); null without a norm
   * @param keyNorm (keyValueWidth) or (headDim); null without a norm
   * @param sinks (heads); null without sinks
   * @param relativeBias (heads, buckets); null without
   */
  public record AttentionWeights(Matrix query, Matrix key, Matrix value, Matrix output, AttentionBiases biases,
      @Nullable NormWeights queryNorm, @Nullable NormWeights keyNorm,
      float @Nullable [] sinks, float @Nullable [][] relativeBias) implements OperationWeights {}

  /** Each as wide as its projection's output, or null. */
  public record AttentionBiases(float @Nullable [] query, float @Nullable [] key, float @Nullable [] value,
      float @Nullable [] output) {
    public static final AttentionBiases NONE = new AttentionBiases(null, null, null, null);
  }

  /**
   * @param queryDown (queryRank, hidden); null if queries are made from the input
   * @param queryDownBias (queryRank) or null
   * @param queryNorm (queryRank); null without queryDown
   * @param query (queryWidth, queryRank), or (queryWidth, hidden)
   * @param down (cachedWidth, hidden): to the latent and the key that is rotated
   * @param downBias (cachedWidth) or null
   * @param norm (rank)
   * @param keyUp by head: (rank, plainDim), from plain queries to the latent space
   * @param valueUp by head: (valueDim, rank)
   * @param output (hidden, valueWidth)
   * @param outputBias (hidden) or null
   */
  public record LatentAttentionWeights(@Nullable Matrix queryDown, float @Nullable [] queryDownBias,
      @Nullable NormWeights queryNorm, Matrix query, Matrix down, float @Nullable [] downBias, NormWeights norm,
      List<Matrix> keyUp, List<Matrix> valueUp, Matrix output,
      float @Nullable [] outputBias) implements OperationWeights {
    public LatentAttentionWeights {
      keyUp = List.copyOf(keyUp);
      valueUp = List.copyOf(valueUp);
    }
  }

  /**
   * @param shared null without a shared expert
   * @param sharedGate (1, hidden); null if the shared expert is not gated
   */
  public record MoeWeights(GateWeights gate, LayerExperts experts, @Nullable FeedForwardWeights shared,
      @Nullable Matrix sharedGate) implements OperationWeights {}

  /**
   * @param weight (experts, hidden)
   * @param bias (experts) or null
   * @param correctionBias (experts) or null
   */
  public record GateWeights(Matrix weight, float @Nullable [] bias, float @Nullable [] correctionBias) {}
}
