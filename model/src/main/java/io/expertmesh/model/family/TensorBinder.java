package io.expertmesh.model.family;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Quantizer;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Hands out a checkpoint's tensors by name and shape, and knows in the end which nobody asked for. */
public final class TensorBinder implements TensorSource {
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int ALIGNMENT = 64;

  private final Checkpoint checkpoint;
  private final Kernels kernels;
  private final Map<String, Tensor> unbound;

  public TensorBinder(Checkpoint checkpoint, Kernels kernels) {
    this.checkpoint = checkpoint;
    this.kernels = kernels;
    this.unbound = new LinkedHashMap<>(checkpoint.tensors());
  }

  @Override
  public boolean has(String name) {
    return checkpoint.tensors().containsKey(name);
  }

  @Override
  public boolean inBlocks(String name) {
    Tensor tensor = checkpoint.tensors().get(name);
    return tensor != null && tensor.dtype().blockElements() > 1;
  }

  @Override
  public WeightMatrix stored(String name, int rows, int cols) {
    return bind(name, rows, cols).matrix();
  }

  @Override
  public WeightMatrix stacked(String name, int index, int count, int rows, int cols) {
    return bind(name, count, rows, cols).matrix(index);
  }

  @Override
  public float[] vector(String name, int length) {
    return Quantizer.vector(plain(bind(name, length)));
  }

  @Override
  public float[] vector(String name, int index, int count, int length) {
    return row(plain(bind(name, count, length)).matrix(), index);
  }

  private float[] row(WeightMatrix matrix, int index) {
    float[] values = new float[matrix.cols()];
    kernels.dequantize(matrix, index, values, 0);
    return values;
  }

  private Tensor plain(Tensor tensor) {
    if (tensor.dtype().blockElements() > 1) {
      throw invalid("tensor %s is %s; vectors must be F32, F16 or BF16".formatted(tensor.name(), tensor.dtype()));
    }
    return tensor;
  }

  @Override
  public FeedForwardWeights prepare(StoredFeedForward stored) {
    return new FeedForwardWeights(stored.activation(),
        stored.gate() == null ? null : prepare(stored.gate().arranged()),
        prepare(stored.up().arranged()), prepare(stored.down().arranged()),
        stored.biases());
  }

  @Override
  public WeightMatrix loaded(String name, int rows, int cols) {
    return checkpoint.load(stored(name, rows, cols));
  }

  @Override
  public Matrix prepare(WeightMatrix stored) {
    return kernels.prepare(checkpoint.load(stored));
  }

  @Override
  public Matrix prepareTransposed(WeightMatrix matrix, int first, int count) {
    int rows = matrix.cols();
    MemorySegment data = Arena.ofAuto().allocate((long) Float.BYTES * rows * count, ALIGNMENT);
    float[] row = new float[rows];
    for (int col = 0; col < count; col++) {
      kernels.dequantize(matrix, first + col, row, 0);
      for (int i = 0; i < rows; i++) {
        data.setAtIndex(F32, (long) i * count + col, row[i]);
      }
    }
    return kernels.prepare(new WeightMatrix(matrix.name(), DType.F32, rows, count, data));
  }

  private Tensor bind(String name, long... shape) {
    Tensor tensor = checkpoint.tensors().get(name);
    if (tensor == null) {
      throw invalid("tensor %s is missing".formatted(name));
    }
    List<Long> expected = java.util.Arrays.stream(shape).boxed().toList();
    if (!tensor.shape().equals(expected)) {
      throw invalid("tensor %s has shape %s, but the configuration asks for %s"
          .formatted(name, tensor.shape(), expected));
    }
    long row = shape[shape.length - 1];
    DType dtype = tensor.dtype();
    if (row % dtype.blockElements() != 0) {
      throw invalid("tensor %s has rows of %d elements, which %s blocks of %d do not fill"
          .formatted(name, row, dtype, dtype.blockElements()));
    }
    unbound.remove(name);
    return tensor;
  }

  /**
   * Fails if the checkpoint has a tensor that the family did not bind: a model with it ignored would be another model.
   *
   * @param unused prefixes of tensors that need not be bound
   */
  public void requireAllBound(List<String> unused) {
    unbound.keySet().removeIf(name -> unused.stream().anyMatch(name::startsWith));
    if (!unbound.isEmpty()) {
      String first = unbound.keySet().iterator().next();
      throw invalid("tensor %s is not part of a %s model%s".formatted(first,
          checkpoint.config().path("model_type").asString(),
          unbound.size() == 1 ? "" : " (and " + (unbound.size() - 1) + " more)"));
    }
  }

  private FailureException invalid(String message) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, checkpoint.location() + ": " + message);
  }
}
