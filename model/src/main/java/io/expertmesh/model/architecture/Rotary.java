package io.expertmesh.model.architecture;

/**
 * Rotary position embedding of the first {@code 2 * inverseFrequencies.length} floats of a head: pair i turns by
 * {@code position * inverseFrequencies[i]}. Layers that rotate alike share one instance.
 *
 * @param inverseFrequencies one per pair, with whatever scaling the model has
 * @param factor of cosines and sines; 1 unless the scaling says otherwise
 */
public record Rotary(Layout layout, float[] inverseFrequencies, float factor) {
  /** Which floats form a pair. */
  public enum Layout {
    /** (i, i + dims / 2). */
    HALF,
    /** (2i, 2i + 1). */
    INTERLEAVED
  }

  /** Floats of a head that are rotated. */
  public int dims() {
    return 2 * inverseFrequencies.length;
  }
}
