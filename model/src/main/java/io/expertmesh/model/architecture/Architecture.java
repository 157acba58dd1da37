package io.expertmesh.model.architecture;

import java.util.List;

/**
 * A decoder-only model.
 *
 * @param modelType as {@code config.json} names the family
 * @param contextLength positions the model was made for
 * @param normEpsilon of every RMSNorm
 * @param blocks from input to output
 * @param tiedEmbeddings whether the embedding is also the output matrix
 */
public record Architecture(
    String modelType,
    int vocabularySize,
    int hiddenSize,
    int contextLength,
    float normEpsilon,
    List<Block> blocks,
    boolean tiedEmbeddings) {
  public Architecture {
    blocks = List.copyOf(blocks);
  }
}
