package io.expertmesh.kernels;

/** Floats of 4 and 8 bits, as the OCP specifications of 8-bit floating point and of microscaling formats define them. */
final class SmallFloats {
  private static final float[] E2M1 = {0f, 0.5f, 1f, 1.5f, 2f, 3f, 4f, 6f, -0f, -0.5f, -1f, -1.5f, -2f, -3f, -4f, -6f};

  private SmallFloats() {}

  static float e2m1(int nibble) {
    return E2M1[nibble];
  }

  /** Twice the value as an integer; ggml computes with these, so that there is no negative zero. */
  static int doubledE2m1(int nibble) {
    return (int) (2 * E2M1[nibble]);
  }

  static float e4m3(int bits) {
    int magnitude = bits & 0x7f;
    float value = magnitude == 0x7f ? Float.NaN : Float.intBitsToFloat(magnitude << 20) * 0x1p120f;
    return bits < 0x80 ? value : -value;
  }

  static float e8m0(int bits) {
    return switch (bits) {
      case 0 -> 0x1p-127f;
      case 0xff -> Float.NaN;
      default -> Float.intBitsToFloat(bits << 23);
    };
  }

  /** Half of {@link #e8m0}, but 2^127 for 255: ggml's {@code ggml_e8m0_to_fp32_half}. */
  static float halfE8m0(int bits) {
    return Float.intBitsToFloat(bits < 2 ? 0x00200000 << bits : (bits - 1) << 23);
  }
}
