package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Writes matrices in another storage type while a model is loaded. The values are those of the file that
 * {@link Convert} would write.
 */
public final class WeightConversion {
  private static final int ROWS_AT_A_TIME = 64;
  private static final int ALIGNMENT = 64;

  private WeightConversion() {}

  /**
   * Converts on all cores.
   *
   * @param stored of any type, in any order, with or without scales
   * @param dtype F32, F16, BF16, Q8_0 or Q4_0; the matrix's rows are a whole number of its blocks
   * @param memory where the result goes: off the heap
   * @param location of the checkpoint, for messages
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if a value is not finite, or too large for
   *     the type
   */
  public static WeightMatrix convert(WeightMatrix stored, DType dtype, SegmentAllocator memory, Path location) {
    MemorySegment data = memory.allocate(dtype.bytes(stored.cols()) * stored.rows(), ALIGNMENT);
    IntStream.range(0, Math.ceilDiv(stored.rows(), ROWS_AT_A_TIME)).parallel().forEach(part -> {
      int from = part * ROWS_AT_A_TIME;
      convertRows(stored, dtype, data, from, Math.min(stored.rows(), from + ROWS_AT_A_TIME), location);
    });
    return new WeightMatrix(stored.name(), dtype, stored.rows(), stored.cols(), data);
  }

  private static void convertRows(WeightMatrix stored, DType dtype, MemorySegment data, int fromRow, int toRow,
      Path location) {
    int count = Math.multiplyExact(toRow - fromRow, stored.cols());
    float[] values = new float[count];
    for (int row = fromRow; row < toRow; row++) {
      KernelSelection.kernels().dequantize(stored, row, values, (row - fromRow) * stored.cols());
    }
    try {
      Quantizer.fromFloats(values, count, dtype, data, dtype.bytes((long) fromRow * stored.cols()));
    } catch (ArithmeticException e) {
      throw InvalidCheckpoint.in(location, "tensor %s %s; it cannot be converted to %s"
          .formatted(stored.name(), e.getMessage(), dtype.name().toLowerCase(Locale.ROOT)), e);
    }
  }
}
