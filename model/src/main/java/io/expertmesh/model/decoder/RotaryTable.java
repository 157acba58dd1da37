package io.expertmesh.model.decoder;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.model.architecture.Rotary;

/**
 * Cosines and sines of the rotary angles, {@code position * inverseFrequency} for each pair, rounded to f32 at the same
 * places as transformers does.
 *
 * @param cos (positions, pairs)
 * @param sin (positions, pairs)
 */
public record RotaryTable(Rotary rotary, float[] cos, float[] sin) {
  public static RotaryTable of(int positions, Rotary rotary) {
    int pairs = rotary.inverseFrequencies().length;
    float[] cos = new float[Math.multiplyExact(positions, pairs)];
    float[] sin = new float[cos.length];
    for (int i = 0; i < pairs; i++) {
      for (int position = 0; position < positions; position++) {
        float angle = position * rotary.inverseFrequencies()[i];
        // StrictMath, because Math may differ from machine to machine.
        cos[position * pairs + i] = (float) StrictMath.cos(angle) * rotary.factor();
        sin[position * pairs + i] = (float) StrictMath.sin(angle) * rotary.factor();
      }
    }
    return new RotaryTable(rotary, cos, sin);
  }

  /** Rotates {@code heads} heads of {@code headDim} floats, one after the other from {@code offset} on, in place. */
  public void rotate(Kernels kernels, float[] x, int offset, int heads, int headDim, int position) {
    int angles = position * rotary.inverseFrequencies().length;
    for (int head = 0; head < heads; head++) {
      int at = offset + head * headDim;
      switch (rotary.layout()) {
        case HALF -> kernels.rotateHalf(x, at, rotary.dims(), cos, sin, angles);
        case INTERLEAVED -> kernels.rotateInterleaved(x, at, rotary.dims(), cos, sin, angles);
      }
    }
  }
}
