package io.expertmesh.kernels;

import java.lang.foreign.MemorySegment;

/**
 * A weight matrix as it lies in a (mapped) checkpoint: row-major (rows, cols), each row a whole number of blocks.
 *
 * @param name name of the tensor in the checkpoint, for messages
 * @param data exactly the bytes of the matrix in native memory, since kernels read by address; read-only, little-endian,
 *     any alignment
 */
public record WeightMatrix(String name, DType dtype, int rows, int cols, MemorySegment data) implements Matrix {
  public WeightMatrix {
    if (rows <= 0 || cols <= 0) {
      throw new IllegalArgumentException("%s has the impossible shape (%d, %d)".formatted(name, rows, cols));
    }
    long expected = dtype.bytes(cols) * rows;
    if (data.byteSize() != expected) {
      throw new IllegalArgumentException("%s: %s (%d, %d) takes %d bytes, but %d are there"
          .formatted(name, dtype, rows, cols, expected, data.byteSize()));
    }
    if (!data.isNative()) {
      throw new IllegalArgumentException(name + ": weights lie in native memory, not on the heap");
    }
  }

  /** Bytes from the start of one row to the start of the next. */
  public long rowBytes() {
    return dtype.bytes(cols);
  }

  /** The rows {@code from} (inclusive) to {@code to} (exclusive) as a matrix over the same memory. */
  public WeightMatrix slice(String sliceName, int from, int to) {
    return new WeightMatrix(sliceName, dtype, to - from, cols,
        data.asSlice(from * rowBytes(), (to - from) * rowBytes()));
  }
}
