package io.expertmesh.model.architecture;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A model: a decoder, and for some an encoder before it.
 *
 * @param modelType as {@code config.json} names the family
 * @param contextLength positions the model was made for
 * @param embeddingScale embeddings are multiplied by it
 * @param positions added to the embeddings; null for none
 * @param encoder null for a decoder-only model
 * @param blocks from input to output, an encoder's first
 * @param logitScale logits are multiplied by it
 * @param outputBias whether the output matrix has a bias
 * @param tiedEmbeddings whether the embedding is also the output matrix
 */
public record Architecture(
    String modelType,
    int vocabularySize,
    int hiddenSize,
    int contextLength,
    float embeddingScale,
    @Nullable SinusoidalPositions positions,
    @Nullable Encoder encoder,
    List<Block> blocks,
    Norm finalNorm,
    float logitScale,
    boolean outputBias,
    boolean tiedEmbeddings) {
  public Architecture {
    blocks = List.copyOf(blocks);
  }

  /** With factors of embeddings and logits. */
  public Architecture withScales(float embedding, float logits) {
    return new Architecture(modelType, vocabularySize, hiddenSize, contextLength, embedding, positions, encoder, blocks,
        finalNorm, logits, outputBias, tiedEmbeddings);
  }

  /** With a bias of the output matrix, or without. */
  public Architecture withOutputBias(boolean bias) {
    return new Architecture(modelType, vocabularySize, hiddenSize, contextLength, embeddingScale, positions, encoder,
        blocks, finalNorm, logitScale, bias, tiedEmbeddings);
  }

  /** A decoder-only model without positions of its own. */
  public Architecture(String modelType, int vocabularySize, int hiddenSize, int contextLength, float embeddingScale,
      List<Block> blocks, Norm finalNorm, float logitScale, boolean outputBias, boolean tiedEmbeddings) {
    this(modelType, vocabularySize, hiddenSize, contextLength, embeddingScale, null, null, blocks, finalNorm,
        logitScale, outputBias, tiedEmbeddings);
  }

  /** Index of the decoder's first block. */
  public int firstDecoderBlock() {
    return encoder == null ? 0 : encoder.blocks();
  }

  /** Indices of the blocks that have a mixture of experts. */
  public List<Integer> moeLayers() {
    return IntStream.range(0, blocks.size()).filter(i -> blocks.get(i).mixture().isPresent()).boxed().toList();
  }

  /** The mixture of experts that all blocks with one have, or empty for a dense model. */
  public Optional<MixtureOfExperts> mixture() {
    return blocks.stream().flatMap(block -> block.mixture().stream()).findFirst();
  }

  /**
   * Whether the tokens of a prompt go through the model together or give other results, because its experts' capacity
   * counts all of them; what is computed for one request is of no use to another. So it is after an encoder as well,
   * whose output decides what the decoder computes.
   */
  public boolean wholePrompts() {
    return encoder != null || mixture().map(moe -> moe.router().capacity() != null).orElse(false);
  }

  /**
   * Tokens up to which a sequence is rotated as a short one; every number if there is no difference. When an answer goes
   * beyond, what was computed of the sequence holds no longer.
   */
  public int rotaryContext() {
    int context = Integer.MAX_VALUE;
    for (Block block : blocks) {
      for (Residual residual : block.residuals()) {
        if (residual.operation() instanceof Attention attention && attention.rotary() != null
            && attention.rotary().extension() != null) {
          context = Math.min(context, attention.rotary().extension().context());
        }
      }
    }
    return context;
  }

  /** Experts of a layer; 0 for a dense model. */
  public int experts() {
    return mixture().map(MixtureOfExperts::experts).orElse(0);
  }
}
