package io.expertmesh.tornado;

import io.expertmesh.kernels.BlockScales;
import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Writes rows of checkpoint matrices in the device's formats. For one thread at a time. */
final class RowEncoder {
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int BLOCK = 32;

  private final Kernels kernels = new ScalarKernels();
  private float[] values = new float[0];

  /**
   * Writes row {@code row} of {@code matrix}.
   *
   * @param to from byte {@code at} on {@code format.elements(matrix.cols())} elements
   * @param scales from {@code scalesAt} on {@code format.scales(matrix.cols())}
   */
  void encode(WeightMatrix matrix, int row, WeightFormat format, MemorySegment to, long at, float[] scales,
      int scalesAt) {
    int storedRow = matrix.order() == null ? row : matrix.order().stored(row);
    long start = storedRow * matrix.rowBytes();
    boolean plain = matrix.scales() == null;
    switch (format) {
      case F32 -> MemorySegment.copy(values(matrix, row), 0, to, ValueLayout.JAVA_FLOAT_UNALIGNED, at, matrix.cols());
      case F16 -> {
        if (plain && matrix.dtype() == DType.F16) {
          MemorySegment.copy(matrix.data(), start, to, at, matrix.rowBytes());
          scales[scalesAt] = 1f;
        } else {
          scales[scalesAt] = halves(values(matrix, row), matrix.cols(), to, at);
        }
      }
      case Q8, Q4, E2M1 -> {
        for (int block = 0; block < matrix.cols() / BLOCK; block++) {
          scales[scalesAt + block] = block(matrix, start, storedRow, block, to,
              at + (long) block * format.elements(BLOCK) * format.elementBytes);
        }
      }
    }
  }

  private float[] values(WeightMatrix matrix, int row) {
    if (values.length < matrix.cols()) {
      values = new float[matrix.cols()];
    }
    kernels.dequantize(matrix, row, values, 0);
    return values;
  }

  /** Writes {@code count} values as halves times a power of two, which is returned. */
  private static float halves(float[] values, int count, MemorySegment to, long at) {
    float largest = 0f;
    for (int i = 0; i < count; i++) {
      float magnitude = Math.abs(values[i]);
      if (magnitude < Float.POSITIVE_INFINITY) {
        largest = Math.max(largest, magnitude);
      }
    }
    // The largest becomes one of the largest halves, so that the small ones keep their bits.
    int exponent = largest == 0f ? 0 : Math.max(Math.getExponent(largest) - 14, Float.MIN_EXPONENT);
    float inverse = Math.scalb(1f, -exponent);
    for (int i = 0; i < count; i++) {
      to.set(U16, at + 2L * i, Float.floatToFloat16(values[i] * inverse));
    }
    return Math.scalb(1f, exponent);
  }

  /** Writes a block of 32 weights and returns its scale. */
  private static float block(WeightMatrix matrix, long start, int storedRow, int block, MemorySegment to, long at) {
    MemorySegment data = matrix.data();
    long from = start + (long) block * BLOCK / matrix.dtype().blockElements() * matrix.dtype().blockBytes();
    return switch (matrix.dtype()) {
      case Q8_0 -> {
        MemorySegment.copy(data, from + 2, to, at, BLOCK);
        yield Float.float16ToFloat(data.get(U16, from));
      }
      case Q5_0 -> {
        int high = data.get(U32, from + 2);
        for (int i = 0; i < BLOCK; i++) {
          int low = (data.get(ValueLayout.JAVA_BYTE, from + 6 + i % 16) >> (i / 16 * 4)) & 15;
          to.set(ValueLayout.JAVA_BYTE, at + i, (byte) (low + (((high >>> i) & 1) << 4) - 16));
        }
        yield Float.float16ToFloat(data.get(U16, from));
      }
      case Q4_0 -> {
        MemorySegment.copy(data, from + 2, to, at, BLOCK / 2);
        yield Float.float16ToFloat(data.get(U16, from));
      }
      case MXFP4 -> {
        MemorySegment.copy(data, from + 1, to, at, BLOCK / 2);
        int bits = data.get(ValueLayout.JAVA_BYTE, from) & 0xff;
        yield Float.intBitsToFloat(bits < 2 ? 0x00200000 << bits : (bits - 1) << 23);
      }
      case F4_E2M1 -> {
        for (int i = 0; i < BLOCK / 2; i++) {
          to.set(ValueLayout.JAVA_BYTE, at + i,
              (byte) (pairNibble(data, from, i) | pairNibble(data, from, i + 16) << 4));
        }
        BlockScales scales = matrix.scales();
        // Kernels compute with twice the elements.
        yield scales == null ? 0.5f : 0.5f * scales.at(storedRow, block * BLOCK);
      }
      default -> throw new IllegalStateException("%s has no blocks of %d".formatted(matrix.dtype(), BLOCK));
    };
  }

  private static int pairNibble(MemorySegment data, long from, int i) {
    return (data.get(ValueLayout.JAVA_BYTE, from + i / 2) >> (i % 2 * 4)) & 15;
  }
}
