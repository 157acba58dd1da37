package io.expertmesh.model.architecture;

/**
 * Positions as vectors that are added to the embeddings: sines in the first half, cosines in the second, as fairseq
 * does it.
 *
 * @param paddingId the token that has no position; the first token of a sequence has position {@code paddingId + 1}
 */
public record SinusoidalPositions(int paddingId) {
  private static final double LONGEST_PERIOD = 10_000;

  /**
   * The vector of {@code position}, added to {@code width} floats of x. Rounded to f32 at the same places as
   * transformers' {@code NllbMoeSinusoidalPositionalEmbedding}.
   */
  public void add(int position, float[] x, int offset, int width) {
    int half = width / 2;
    float step = (float) -(StrictMath.log(LONGEST_PERIOD) / (half - 1));
    for (int i = 0; i < half; i++) {
      float angle = position * (float) StrictMath.exp(i * step);
      x[offset + i] += (float) StrictMath.sin(angle);
      x[offset + half + i] += (float) StrictMath.cos(angle);
    }
  }
}
