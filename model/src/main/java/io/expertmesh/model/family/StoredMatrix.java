package io.expertmesh.model.family;

import io.expertmesh.kernels.BlockScales;
import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * A matrix as the checkpoint stores it, its shape checked, none of its weights touched.
 *
 * @param stored all of the bytes that it is taken from
 * @param transposed whether it is stored (inputs, outputs)
 * @param firstRow the first output that belongs to it
 * @param rowStep from one of its outputs to the next
 * @param rows its outputs
 */
public record StoredMatrix(WeightMatrix stored, boolean transposed, int firstRow, int rowStep, int rows) {
  private static final int ALIGNMENT = 64;

  /** Stored as the kernels read it: (outputs, inputs). */
  static StoredMatrix plain(WeightMatrix stored) {
    return new StoredMatrix(stored, false, 0, 1, stored.rows());
  }

  /** Stored (inputs, outputs). */
  static StoredMatrix transposed(WeightMatrix stored) {
    return new StoredMatrix(stored, true, 0, 1, stored.cols());
  }

  /** The outputs {@code first}, {@code first + step} and so on, {@code count} of them. */
  StoredMatrix take(int first, int step, int count) {
    return new StoredMatrix(stored, transposed, firstRow + first * rowStep, rowStep * step, count);
  }

  /** Bytes that decide its values. */
  MemorySegment bytes() {
    return contiguous() ? arranged().data() : stored.data();
  }

  private boolean contiguous() {
    return !transposed && rowStep == 1;
  }

  int cols() {
    return transposed ? stored.rows() : stored.cols();
  }

  /** Bytes of the matrix in type {@code dtype}; in its own type with its scales. */
  long bytesAs(DType dtype) {
    BlockScales scales = stored.scales();
    long scaleBytes = scales == null || dtype != stored.dtype()
        ? 0
        : scales.data().byteSize() * rows / (transposed ? stored.cols() : stored.rows());
    return dtype.bytes(cols()) * rows + scaleBytes;
  }

  /** As {@link #arranged(SegmentAllocator)}; a copy lives as long as it is reachable. */
  WeightMatrix arranged() {
    return arranged(Arena.ofAuto());
  }

  /**
   * The matrix (rows, cols): over the checkpoint's own memory, or a copy in {@code memory} where it is stored transposed.
   */
  WeightMatrix arranged(SegmentAllocator memory) {
    if (contiguous()) {
      return stored.slice(stored.name(), firstRow, firstRow + rows);
    }
    if (!transposed) {
      return stored.everyNth(stored.name(), firstRow, rowStep).slice(stored.name(), 0, rows);
    }
    int cols = cols();
    MemorySegment copy = memory.allocate(stored.dtype().bytes(cols) * rows, ALIGNMENT);
    transpose(copy, cols);
    return new WeightMatrix(stored.name(), stored.dtype(), rows, cols, copy);
  }

  /** Element by element; block formats cannot be taken apart like this. */
  private void transpose(MemorySegment copy, int cols) {
    int bytes = stored.dtype().blockBytes();
    if (stored.dtype().blockElements() > 1 || stored.scales() != null || stored.order() != null) {
      throw new IllegalStateException("%s: %s blocks cannot be transposed".formatted(stored.name(), stored.dtype()));
    }
    for (int row = 0; row < rows; row++) {
      long from = firstRow + (long) row * rowStep;
      for (int col = 0; col < cols; col++) {
        MemorySegment.copy(stored.data(), (col * (long) stored.cols() + from) * bytes, copy,
            ((long) row * cols + col) * bytes, bytes);
      }
    }
  }
}
