package io.expertmesh.engine.text;

import io.expertmesh.engine.api.EncoderInput;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * How the decoder of an encoder-decoder model begins where a request does not say.
 *
 * @param tokenId the first token
 * @param forcedTokenId the token after it, which the model does not choose itself; null if it does
 * @param firstBlock the decoder's first block
 */
public record DecoderStart(int tokenId, @Nullable Integer forcedTokenId, int firstBlock) {
  /**
   * Reads {@code generation_config.json} and, for what it lacks, {@code config.json}.
   *
   * @throws FailureException INVALID_CHECKPOINT if neither names a start token
   */
  static DecoderStart of(JsonNode generationConfig, JsonNode config, int firstBlock) {
    Integer start = id("decoder_start_token_id", generationConfig, config);
    if (start == null) {
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "neither generation_config.json nor config.json has the \"decoder_start_token_id\" that a decoder begins with");
    }
    return new DecoderStart(start, id("forced_bos_token_id", generationConfig, config), firstBlock);
  }

  private static @Nullable Integer id(String field, JsonNode generationConfig, JsonNode config) {
    JsonNode node = generationConfig.hasNonNull(field) ? generationConfig.get(field) : config.path(field);
    return node.isIntegralNumber() && node.canConvertToInt() ? node.intValue() : null;
  }

  /** The decoder's first tokens. */
  public int[] promptIds() {
    return promptIds(forcedTokenId);
  }

  /** The decoder's first tokens if {@code forced} is the one after the first; null for none. */
  public int[] promptIds(@Nullable Integer forced) {
    return forced == null ? new int[]{tokenId} : new int[]{tokenId, forced};
  }

  /** What the encoder reads before {@link #promptIds}; a forced token is taken like a generated one. */
  public EncoderInput input(int[] ids) {
    return new EncoderInput(ids, 1);
  }
}
