package io.expertmesh.tornado;

/** The {@link WeightFormat}s by number, as kernels take them, and what kernels decode them with. */
final class Formats {
  static final int F32 = 0;
  static final int F16 = 1;
  static final int Q8 = 2;
  static final int Q4 = 3;
  static final int E2M1 = 4;

  private Formats() {}

  /** Signed byte {@code i} of a word. */
  static float signedByte(int word, int i) {
    return (word << (24 - 8 * i)) >> 24;
  }

  /** The value of the four bits of a word from bit {@code shift} on, before its scale. */
  static float nibble(int format, int word, int shift) {
    int bits = (word >> shift) & 15;
    if (format == Q4) {
      return bits - 8;
    }
    // Twice the value of an E2M1 number, so that it is whole.
    int exponent = (bits >> 1) & 3;
    int magnitude = ((bits & 1) + (Math.min(exponent, 1) << 1)) << Math.max(exponent - 1, 0);
    return magnitude * (1 - ((bits >> 3) << 1));
  }
}
