package io.expertmesh.kernels;

/** The scalar definitions of the exact arithmetic; see the package description. */
public final class ExactMath {
  /** Names this definition; another name for another that gives other bits. */
  public static final String DEFINITION = "fma16-1";

  /** Running lanes of a dot product; 16 floats are one 512-bit, two 256-bit or four 128-bit registers. */
  public static final int LANES = 16;

  static final float EXP_MIN = -87f;
  static final float EXP_MAX = 88f;
  static final float LOG2_E = 1.442695f;
  /** Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits. */
  static final float ROUND = 12582912f;
  static final float LN2_HIGH = 0.6933594f;
  static final float LN2_LOW = -0.00021219444f;
  static final float C2 = 0.5f;
  static final float C3 = 0.16666666f;
  static final float C4 = 0.041665796f;
  static final float C5 = 0.008333452f;
  static final float C6 = 0.0013981999f;
  static final float C7 = 0.00019875691f;

  private ExactMath() {}

  /**
   * e^x within 2 ulp, saturating: x is clamped to [-87, 88]. NaN stays NaN.
   *
   * <p>Coefficients: Cephes {@code expf}.
   */
  public static float exp(float x) {
    float clamped = Math.max(EXP_MIN, Math.min(EXP_MAX, x));
    float shifted = Math.fma(clamped, LOG2_E, ROUND);
    float n = shifted - ROUND;
    float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, clamped));
    float p = Math.fma(C7, r, C6);
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r * r, r) + 1f;
    return p * Float.intBitsToFloat((Float.floatToRawIntBits(shifted) << 23) + 0x3f800000);
  }

  /** 1 / (1 + e^-x). */
  public static float sigmoid(float x) {
    return 1f / (1f + exp(-x));
  }

  /** x * sigmoid(x). */
  public static float silu(float x) {
    return x / (1f + exp(-x));
  }

  /** The fixed reduction tree over {@value #LANES} lanes; overwrites {@code lanes}. */
  static float reduce(float[] lanes) {
    for (int width = LANES / 2; width > 0; width /= 2) {
      for (int i = 0; i < width; i++) {
        lanes[i] += lanes[i + width];
      }
    }
    return lanes[0];
  }

  /** Dot product of two runs of {@code n} floats. */
  static float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
    float[] lanes = new float[LANES];
    for (int k = 0; k < n; k++) {
      lanes[k % LANES] = Math.fma(a[aOffset + k], b[bOffset + k], lanes[k % LANES]);
    }
    return reduce(lanes);
  }

  /** Sum of {@code n} floats. */
  static float sum(float[] x, int offset, int n) {
    float[] lanes = new float[LANES];
    for (int k = 0; k < n; k++) {
      lanes[k % LANES] += x[offset + k];
    }
    return reduce(lanes);
  }
}
