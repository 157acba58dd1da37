package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A named tensor of a checkpoint, mapped from its file.
 *
 * @param shape row-major, slowest dimension first as in Hugging Face (GGUF's reversed order is already undone)
 * @param data exactly the tensor's bytes, read-only, little-endian
 */
public record Tensor(String name, DType dtype, List<Long> shape, MemorySegment data) {
  public Tensor {
    shape = List.copyOf(shape);
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
    return new WeightMatrix(name, dtype, Math.toIntExact(shape.get(0)), Math.toIntExact(shape.get(1)), data);
  }

  /** Matrix {@code index} of this three-dimensional tensor (index, rows, cols). */
  public WeightMatrix matrix(int index) {
    if (shape.size() != 3) {
      throw new IllegalStateException("%s has shape %s, not three dimensions".formatted(name, shape));
    }
    int rows = Math.toIntExact(shape.get(1));
    int cols = Math.toIntExact(shape.get(2));
    long bytes = dtype.bytes(cols) * rows;
    return new WeightMatrix(name + "[" + index + "]", dtype, rows, cols, data.asSlice(index * bytes, bytes));
  }
}
