package io.expertmesh.model.architecture;

/**
 * A normalisation of each row.
 *
 * @param epsilon added to the mean square, or to the variance
 */
public record Norm(Kind kind, float epsilon) {
  /** Which one. */
  public enum Kind {
    /** {@code weight * x / sqrt(mean(x^2) + epsilon)}. */
    RMS,
    /** {@code weight * (x - mean) / sqrt(variance + epsilon) + bias}. */
    LAYER,
    /** As {@link #LAYER} without weight and bias. */
    LAYER_WITHOUT_PARAMETERS
  }

  public static Norm rms(float epsilon) {
    return new Norm(Kind.RMS, epsilon);
  }
}
