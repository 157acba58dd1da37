package io.expertmesh.model.architecture;

/**
 * Positions as vectors that are added to the embeddings: sines in the first half, cosines in the second, as fairseq
 * does it.
 *
 * @param paddingId the token that has no position; the first token of a sequence has position {@code paddingId + 1}
 */
public record SinusoidalPositions(int paddingId) {
  private static final double LONGEST_PERIOD = 10_000;

  /** Stands for no position: nothing is added. */
  public static final int NONE = -1;

  /**
   * The position of token {@code index}, or {@link #NONE} for padding, which a prompt's later tokens do not count.
   *
   * @param promptTokens how many of {@code tokenIds} are the prompt; the others were generated one by one
   */
  public int of(int[] tokenIds, int promptTokens, int index) {
    if (tokenIds[index] == paddingId) {
      return NONE;
    }
    if (index >= promptTokens) {
      return paddingId + 1 + index;
    }
    int position = paddingId;
    for (int i = 0; i <= index; i++) {
      position += tokenIds[i] == paddingId ? 0 : 1;
    }
    return position;
  }

  /**
   * The vector of {@code position}, added to {@code width} floats of x. Rounded to f32 at the same places as
   * transformers' {@code NllbMoeSinusoidalPositionalEmbedding}.
   */
  public void add(int position, float[] x, int offset, int width) {
    if (position == NONE) {
      return;
    }
    int half = width / 2;
    float step = (float) -(StrictMath.log(LONGEST_PERIOD) / (half - 1));
    for (int i = 0; i < half; i++) {
      float angle = position * (float) StrictMath.exp(i * step);
      x[offset + i] += (float) StrictMath.sin(angle);
      x[offset + half + i] += (float) StrictMath.cos(angle);
    }
  }
}
