package io.expertmesh.model.decoder;

/**
 * Cosines and sines of the rotary angles, {@code position * theta^(-2i / headDim)} for pair i, rounded to f32 at the same
 * places as transformers does.
 *
 * @param half pairs per head
 * @param cos (positions, half)
 * @param sin (positions, half)
 */
public record RotaryTable(int half, float[] cos, float[] sin) {
  public static RotaryTable of(int positions, int headDim, float theta) {
    int half = headDim / 2;
    float[] cos = new float[Math.multiplyExact(positions, half)];
    float[] sin = new float[cos.length];
    for (int i = 0; i < half; i++) {
      float frequency = 1f / (float) StrictMath.pow(theta, (float) (2 * i) / headDim);
      for (int position = 0; position < positions; position++) {
        float angle = position * frequency;
        // StrictMath, because Math may differ from machine to machine.
        cos[position * half + i] = (float) StrictMath.cos(angle);
        sin[position * half + i] = (float) StrictMath.sin(angle);
      }
    }
    return new RotaryTable(half, cos, sin);
  }
}
