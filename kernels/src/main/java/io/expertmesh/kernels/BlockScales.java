package io.expertmesh.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Scales of a weight matrix that a checkpoint keeps in a tensor of their own: each for a block of {@code blockRows} by
 * {@code blockCols} elements. The matrix's values are its elements times their scale.
 *
 * @param dtype F32, BF16 or F8_E8M0
 * @param rows number of blocks that lie below each other; the last may stick out of the matrix
 * @param cols number of blocks side by side
 * @param data (rows, cols), exactly these bytes
 */
public record BlockScales(DType dtype, int blockRows, int blockCols, int rows, int cols, MemorySegment data) {
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  public BlockScales {
    if (dtype != DType.F32 && dtype != DType.BF16 && dtype != DType.F8_E8M0) {
      throw new IllegalArgumentException("scales are F32, BF16 or F8_E8M0, not " + dtype);
    }
    if (blockRows <= 0 || blockCols <= 0 || rows <= 0 || cols <= 0
        || data.byteSize() != (long) rows * cols * dtype.blockBytes()) {
      throw new IllegalArgumentException("%d x %d %s scales of blocks of %d x %d in %d bytes"
          .formatted(rows, cols, dtype, blockRows, blockCols, data.byteSize()));
    }
  }

  /**
   * The scales of {@code count} rows of the matrix from row {@code first} on.
   *
   * @throws IllegalArgumentException if these rows are not whole blocks
   */
  public BlockScales rowsOf(int first, int count) {
    if (first % blockRows != 0 || count % blockRows != 0) {
      throw new IllegalArgumentException("rows %d to %d are not whole blocks of %d rows"
          .formatted(first, first + count, blockRows));
    }
    long rowBytes = (long) cols * dtype.blockBytes();
    return new BlockScales(dtype, blockRows, blockCols, count / blockRows, cols,
        data.asSlice(first / blockRows * rowBytes, count / blockRows * rowBytes));
  }

  /** Whether every element of a (rows, cols) matrix has a scale, and every row of scales belongs to an element. */
  boolean cover(long matrixRows, int matrixCols) {
    return rows == Math.ceilDiv(matrixRows, blockRows) && cols == Math.ceilDiv(matrixCols, blockCols);
  }

  /** The scale of the element at the stored row {@code row} and column {@code col}. */
  public float at(int row, int col) {
    long index = (long) (row / blockRows) * cols + col / blockCols;
    return switch (dtype) {
      case F32 -> data.get(F32, 4 * index);
      case BF16 -> Float.intBitsToFloat(data.get(U16, 2 * index) << 16);
      default -> SmallFloats.e8m0(data.get(ValueLayout.JAVA_BYTE, index) & 0xff);
    };
  }
}
