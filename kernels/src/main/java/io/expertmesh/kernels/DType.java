package io.expertmesh.kernels;

/**
 * How the elements of a weight tensor are stored, always little-endian. {@link ScalarKernels} defines their values.
 *
 * <p>Block formats are those of GGUF (ggml {@code ggml-common.h}): 32 elements share a scale d, or 256 do and have finer
 * scales within. Other formats keep their scales in a tensor of their own: {@link BlockScales}.
 */
public enum DType {
  F32(1, 4), F16(1, 2), BF16(1, 2),
  /** 32 elements in 34 bytes: f16 scale d, then 32 signed bytes q; x = d * q. */
  Q8_0(32, 34),
  /** 32 elements in 18 bytes: f16 scale d, then 16 bytes; low nibbles are elements 0-15, high nibbles 16-31; x = d * (q - 8). */
  Q4_0(32, 18),
  /** As Q4_0, with an f16 minimum m after d: 20 bytes; x = d * q + m. */
  Q4_1(32, 20),
  /** As Q4_0, with a u32 before the nibbles whose bit j is the fifth bit of element j: 22 bytes; x = d * (q - 16). */
  Q5_0(32, 22),
  /** As Q5_0, with an f16 minimum m after d: 24 bytes; x = d * q + m. */
  Q5_1(32, 24),
  /**
   * 256 elements in 144 bytes: f16 d, f16 dmin, eight 6-bit scales s and minima m in 12 bytes, then nibbles; 32 bytes
   * hold elements 0-31 of a 64 in their low nibbles and 32-63 in their high ones; x = d * s * q - dmin * m.
   */
  Q4_K(256, 144),
  /** As Q4_K, with 32 bytes before the nibbles whose byte l has the fifth bits of elements l, l + 32, ...: 176 bytes. */
  Q5_K(256, 176),
  /** 256 elements in 210 bytes: 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales s, f16 d; x = d * s * (q - 32). */
  Q6_K(256, 210),
  /** 32 elements in 17 bytes: a power of two, then 16 bytes of E2M1 elements; low nibbles are elements 0-15. */
  MXFP4(32, 17),
  /** 2 elements in a byte, the even one in the low nibble: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and, with bit 3, their negatives. */
  F4_E2M1(2, 1),
  /** Sign, 4 bits of exponent, 3 of mantissa; no infinities, NaN is 0x7f and 0xff (OCP 8-bit floating point). */
  F8_E4M3(1, 1),
  /** Powers of two from 2^-127 to 2^127; 255 is NaN. Scales of other formats have it (OCP microscaling formats). */
  F8_E8M0(1, 1);

  private final int blockElements;
  private final int blockBytes;

  DType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Elements that share one block; 1 for the plain formats. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of one block. */
  public int blockBytes() {
    return blockBytes;
  }

  /**
   * Bytes that {@code elements} consecutive elements take.
   *
   * @throws IllegalArgumentException if {@code elements} is not a whole number of blocks
   */
  public long bytes(long elements) {
    if (elements % blockElements != 0) {
      throw new IllegalArgumentException(
          "%d elements are not a whole number of %s blocks of %d".formatted(elements, this, blockElements));
    }
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }
}
