package io.expertmesh.kernels;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A weight matrix as it lies in a (mapped) checkpoint: row-major (rows, cols), each row a whole number of blocks.
 *
 * @param name name of the tensor in the checkpoint, for messages
 * @param data the stored rows in native memory, since kernels read by address; read-only, little-endian, any alignment
 * @param order which stored row each row is; null if data holds exactly the matrix
 * @param scales of the stored rows, where they are not part of the blocks
 */
public record WeightMatrix(String name, DType dtype, int rows, int cols, MemorySegment data, @Nullable RowOrder order,
    @Nullable BlockScales scales) implements Matrix {
  public WeightMatrix {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException("%s has the impossible shape (%d, %d)".formatted(name, rows, cols));
    }
    long rowBytes = dtype.bytes(cols);
    long stored = data.byteSize() / rowBytes;
    if (order == null ? data.byteSize() != rowBytes * rows : data.byteSize() != rowBytes * stored) {
      throw new IllegalArgumentException("%s: %s (%d, %d) takes %d bytes, but %d are there"
          .formatted(name, dtype, rows, cols, rowBytes * rows, data.byteSize()));
    }
    for (int row = 0; order != null && row < rows; row++) {
      if (order.stored(row) < 0 || order.stored(row) >= stored) {
        throw new IllegalArgumentException("%s: row %d would be stored row %d of %d"
            .formatted(name, row, order.stored(row), stored));
      }
    }
    if (scales != null && !scales.cover(stored, cols)) {
      throw new IllegalArgumentException("%s: (%d, %d) scales do not belong to (%d, %d) elements in blocks of %d x %d"
          .formatted(name, scales.rows(), scales.cols(), stored, cols, scales.blockRows(), scales.blockCols()));
    }
    if (!data.isNative() || (scales != null && !scales.data().isNative())) {
      throw new IllegalArgumentException(name + ": weights lie in native memory, not on the heap");
    }
  }

  /**
   * A matrix whose values are all in {@code data}.
   *
   * @param data exactly the bytes of the matrix
   */
  public WeightMatrix(String name, DType dtype, int rows, int cols, MemorySegment data) {
    this(name, dtype, rows, cols, data, null, null);
  }

  /** Bytes from the start of one stored row to the start of the next. */
  public long rowBytes() {
    return dtype.bytes(cols);
  }

  /** Where row {@code row} begins in {@link #data}. */
  long rowStart(int row) {
    return storedRow(row) * rowBytes();
  }

  /** The stored row that is row {@code row}. */
  int storedRow(int row) {
    return order == null ? row : order.stored(row);
  }

  /** The rows {@code from} (inclusive) to {@code to} (exclusive) as a matrix over the same memory. */
  public WeightMatrix slice(String sliceName, int from, int to) {
    if (order == null && scales == null) {
      return new WeightMatrix(sliceName, dtype, to - from, cols,
          data.asSlice(from * rowBytes(), (to - from) * rowBytes()));
    }
    return new WeightMatrix(sliceName, dtype, to - from, cols, data,
        order == null ? new RowOrder.EveryNth(from, 1) : order.from(from), scales);
  }

  /** The rows {@code first}, {@code first + step}, ... as a matrix over the same memory. */
  public WeightMatrix everyNth(String sliceName, int first, int step) {
    if (order != null) {
      throw new IllegalStateException(name + " is a view already");
    }
    return new WeightMatrix(sliceName, dtype, Math.ceilDiv(rows - first, step), cols, data,
        new RowOrder.EveryNth(first, step), scales);
  }
}
