package io.expertmesh.model.architecture;

import org.jspecify.annotations.Nullable;

/**
 * Rotary position embedding of the first {@code 2 * inverseFrequencies.length} floats of a head: pair i turns by
 * {@code position * inverseFrequencies[i]}. Layers that rotate alike share one instance.
 *
 * @param inverseFrequencies one per pair, with whatever scaling the model has
 * @param factor of cosines and sines; 1 unless the scaling says otherwise
 * @param extension what replaces it in long sequences; null for nothing
 */
public record Rotary(Layout layout, float[] inverseFrequencies, float factor, @Nullable Extension extension) {
  /** The same for sequences of every length. */
  public Rotary(Layout layout, float[] inverseFrequencies, float factor) {
    this(layout, inverseFrequencies, factor, null);
  }

  /** Which floats form a pair. */
  public enum Layout {
    /** (i, i + dims / 2). */
    HALF,
    /** (2i, 2i + 1). */
    INTERLEAVED
  }

  /**
   * How all tokens of a long sequence are rotated, the first ones too.
   *
   * @param context tokens of the longest sequence that is not long
   * @param rotary without an extension
   */
  public record Extension(int context, Rotary rotary) {}

  /** Floats of a head that are rotated. */
  public int dims() {
    return 2 * inverseFrequencies.length;
  }

  /** The rotation in a sequence that has {@code tokens} tokens so far. */
  public Rotary of(int tokens) {
    return extension != null && tokens > extension.context() ? extension.rotary() : this;
  }
}
