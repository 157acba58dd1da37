package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.BlockScales;
import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.RowOrder;
import io.expertmesh.kernels.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A named tensor of a checkpoint, mapped from its file.
 *
 * @param shape row-major, slowest dimension first as in Hugging Face (GGUF's reversed order is already undone)
 * @param data exactly the tensor's bytes as they are stored, read-only, little-endian
 * @param order which stored row each row is, where the file has another order; then the tensor has one or two dimensions
 *     (each element of a vector is a row)
 * @param scales of all matrices of the tensor one below the other, where they are not part of the blocks
 */
public record Tensor(String name, DType dtype, List<Long> shape, MemorySegment data, @Nullable RowOrder order,
    @Nullable BlockScales scales) {
  public Tensor {
    shape = List.copyOf(shape);
  }

  /** A tensor whose values are all in {@code data}. */
  public Tensor(String name, DType dtype, List<Long> shape, MemorySegment data) {
    this(name, dtype, shape, data, null, null);
  }

  /** Bytes of the elements and their scales. */
  public long bytes() {
    return data.byteSize() + (scales == null ? 0 : scales.data().byteSize());
  }

  /** Whether {@link #data} holds the values in their order. */
  boolean isPlain() {
    return order == null && scales == null;
  }

  /** All rows below each other; those of a vector are its elements. */
  WeightMatrix allRows() {
    int cols = shape.size() < 2 ? 1 : Math.toIntExact(shape.getLast());
    return new WeightMatrix(name, dtype, Math.toIntExact(elements() / cols), cols, data, order, scales);
  }

  /** How many elements the shape has. */
  public long elements() {
    long elements = 1;
    for (long dimension : shape) {
      elements *= dimension;
    }
    return elements;
  }

  /** This two-dimensional tensor as a matrix. */
  public WeightMatrix matrix() {
    if (shape.size() != 2) {
      throw new IllegalStateException("%s has shape %s, not two dimensions".formatted(name, shape));
    }
    return new WeightMatrix(name, dtype, Math.toIntExact(shape.get(0)), Math.toIntExact(shape.get(1)), data,
        order, scales);
  }

  /** Matrix {@code index} of this three-dimensional tensor (index, rows, cols). */
  public WeightMatrix matrix(int index) {
    if (shape.size() != 3) {
      throw new IllegalStateException("%s has shape %s, not three dimensions".formatted(name, shape));
    }
    int rows = Math.toIntExact(shape.get(1));
    int cols = Math.toIntExact(shape.get(2));
    long bytes = dtype.bytes(cols) * rows;
    return new WeightMatrix(name + "[" + index + "]", dtype, rows, cols, data.asSlice(index * bytes, bytes), null,
        scales == null ? null : scales.rowsOf(index * rows, rows));
  }
}
