package io.expertmesh.kernels;

/**
 * How the elements of a weight tensor are stored, always little-endian.
 *
 * <p>Block formats are those of GGUF (ggml {@code block_q8_0}, {@code block_q4_0}).
 */
public enum DType {
  F32(1, 4), F16(1, 2), BF16(1, 2),
  /** 32 elements in 34 bytes: f16 scale d, then 32 signed bytes q; x = d * q. */
  Q8_0(32, 34),
  /** 32 elements in 18 bytes: f16 scale d, then 16 bytes; low nibbles are elements 0-15, high nibbles 16-31; x = d * (q - 8). */
  Q4_0(32, 18);

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
