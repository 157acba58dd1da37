package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.JsonNode;

/**
 * A checkpoint whose matrices were quantised in memory as it was opened: the values are those of the file that
 * {@link Convert} would write.
 *
 * <p>Vectors, routers and matrices whose rows are not a whole number of blocks keep their type.
 */
public final class QuantizedCheckpoint implements Checkpoint {
  private static final int ROWS_AT_A_TIME = 64;
  private static final int ALIGNMENT = 64;

  private final Checkpoint source;
  private final Map<String, Tensor> tensors;

  private QuantizedCheckpoint(Checkpoint source, Map<String, Tensor> tensors) {
    this.source = source;
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /**
   * Quantises {@code source}, on all cores.
   *
   * @param dtype a block type
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if a value is not finite
   */
  public static QuantizedCheckpoint of(Checkpoint source, DType dtype, Progress progress) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    List<Rows> work = new ArrayList<>();
    for (Tensor tensor : source.tensors().values()) {
      Tensor quantized = tensor;
      if (quantizable(tensor, dtype)) {
        MemorySegment data = Arena.ofAuto().allocate(dtype.bytes(tensor.elements()), ALIGNMENT);
        quantized = new Tensor(tensor.name(), dtype, tensor.shape(), data);
        long cols = tensor.shape().getLast();
        long step = ROWS_AT_A_TIME * cols;
        for (long from = 0; from < tensor.elements(); from += step) {
          work.add(new Rows(tensor, quantized, from, Math.toIntExact(Math.min(step, tensor.elements() - from))));
        }
      }
      tensors.put(tensor.name(), quantized);
    }
    long total = work.stream().mapToLong(rows -> dtype.bytes(rows.count)).sum();
    AtomicLong done = new AtomicLong();
    work.parallelStream().forEach(rows -> {
      quantize(source, rows);
      long bytes = done.addAndGet(dtype.bytes(rows.count));
      synchronized (progress) {
        progress.update("quantising to " + dtype.name().toLowerCase(Locale.ROOT), bytes, total);
      }
    });
    return new QuantizedCheckpoint(source, tensors);
  }

  /** Some rows of a tensor: {@code count} elements from {@code from} on. */
  private record Rows(Tensor source, Tensor target, long from, int count) {}

  private static boolean quantizable(Tensor tensor, DType dtype) {
    return tensor.shape().size() > 1
        && tensor.dtype().blockElements() == 1
        && tensor.shape().getLast() % dtype.blockElements() == 0
        && !tensor.name().endsWith("mlp.gate.weight");
  }

  private static void quantize(Checkpoint checkpoint, Rows rows) {
    float[] values = new float[rows.count];
    DType dtype = rows.target.dtype();
    Quantizer.toFloats(rows.source.data(), rows.source.dtype(), rows.from, values, rows.count);
    try {
      Quantizer.fromFloats(values, rows.count, dtype, rows.target.data(), dtype.bytes(rows.from));
    } catch (ArithmeticException e) {
      throw InvalidCheckpoint.in(checkpoint.location(), "tensor %s %s; it cannot be quantised"
          .formatted(rows.source.name(), e.getMessage()), e);
    }
  }

  @Override
  public Path location() {
    return source.location();
  }

  @Override
  public JsonNode config() {
    return source.config();
  }

  @Override
  public Map<String, Tensor> tensors() {
    return tensors;
  }
}
