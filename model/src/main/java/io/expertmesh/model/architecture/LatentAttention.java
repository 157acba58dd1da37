package io.expertmesh.model.architecture;

import org.jspecify.annotations.Nullable;

/**
 * Causal attention whose keys and values are read from one latent vector per token, shared by all heads (DeepSeek-V2,
 * arXiv 2405.04434, section 2.1). Each head's key is an up-projection of the latent beside a rotated key that all heads
 * share; its value is another up-projection.
 *
 * <p>It is computed in the absorbed form: queries go through the key's up-projection into the latent space, so that only
 * the latent and the rotated key are kept of a token, {@link #cachedWidth} floats.
 *
 * @param queryRank width of the latent that queries are made from; null if they are made from the input
 * @param rank width of the latent of keys and values
 * @param plainDim floats of a head's query and key that are not rotated
 * @param valueDim floats of a head's value
 * @param bias whether the projections to the latents and the output projection have biases
 * @param latentNorm of both latents
 * @param rotary of the rotated part of queries and keys
 * @param scale of the scores before the softmax
 */
public record LatentAttention(int heads, @Nullable Integer queryRank, int rank, int plainDim, int valueDim,
    boolean bias, Norm latentNorm, Rotary rotary, float scale) implements Operation {

  /** Floats of a head's query: the plain part, then the rotated one. */
  public int queryDim() {
    return plainDim + rotary.dims();
  }

  /** Floats of all heads' queries. */
  public int queryWidth() {
    return heads * queryDim();
  }

  /** Floats of all heads' values. */
  public int valueWidth() {
    return heads * valueDim;
  }

  /** Floats that are kept of a token: the latent, then the rotated key. */
  public int cachedWidth() {
    return rank + rotary.dims();
  }
}
