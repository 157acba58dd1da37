package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Matrix;
import java.util.List;

/**
 * The weights of a decoder, in the kernels' layout.
 *
 * @param embedding (vocabulary, hidden)
 * @param finalNorm (hidden)
 * @param output (vocabulary, hidden)
 */
public record DecoderWeights(Matrix embedding, List<BlockWeights> blocks, float[] finalNorm, Matrix output) {
  public DecoderWeights {
    blocks = List.copyOf(blocks);
  }

  /**
   * @param attentionNorm (hidden)
   * @param moeNorm (hidden)
   */
  public record BlockWeights(float[] attentionNorm, AttentionWeights attention, float[] moeNorm, MoeWeights moe) {}

  /**
   * @param query (queryWidth, hidden)
   * @param key (keyValueWidth, hidden)
   * @param value (keyValueWidth, hidden)
   * @param output (hidden, queryWidth)
   * @param queryNorm (queryWidth)
   * @param keyNorm (keyValueWidth)
   */
  public record AttentionWeights(Matrix query, Matrix key, Matrix value, Matrix output, float[] queryNorm,
      float[] keyNorm) {}

  /**
   * @param gate (experts, hidden)
   */
  public record MoeWeights(Matrix gate, LayerExperts experts) {}
}
