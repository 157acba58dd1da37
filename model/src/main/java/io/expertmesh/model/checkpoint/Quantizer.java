package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Turns weights of one storage type into another, bit for bit as ggml's reference does
 * ({@code quantize_row_q8_0_ref}, {@code quantize_row_q4_0_ref}, {@code ggml_compute_fp32_to_bf16}): f32 arithmetic,
 * no fused multiply-add, so that the result is the same on every machine.
 */
public final class Quantizer {
  private static final int BLOCK = 32;
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Quantizer() {}

  /**
   * Reads {@code count} elements of {@code source} from element {@code from} on, which for block types begins a block.
   *
   * @param source the bytes of a tensor of type {@code dtype}, in native memory
   * @param target filled from index 0
   */
  public static void toFloats(MemorySegment source, DType dtype, long from, float[] target, int count) {
    MemorySegment bytes = source.asSlice(dtype.bytes(from), dtype.bytes(count));
    KernelSelection.kernels().dequantize(new WeightMatrix("weights", dtype, 1, count, bytes), 0, target, 0);
  }

  /**
   * Reads {@code count} elements of {@code tensor} from element {@code from} on, in the tensor's order and with its
   * scales; for a block type without scales, {@code from} begins a block.
   */
  static void toFloats(Tensor tensor, long from, float[] target, int count) {
    if (tensor.isPlain()) {
      toFloats(tensor.data(), tensor.dtype(), from, target, count);
      return;
    }
    WeightMatrix rows = tensor.allRows();
    float[] row = new float[rows.cols()];
    for (int done = 0; done < count;) {
      int at = (int) ((from + done) % row.length);
      int length = Math.min(count - done, row.length - at);
      KernelSelection.kernels().dequantize(rows, (int) ((from + done) / row.length), row, 0);
      System.arraycopy(row, at, target, done, length);
      done += length;
    }
  }

  /** The values of a vector. */
  public static float[] vector(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    toFloats(tensor, 0, values, values.length);
    return values;
  }

  /**
   * Writes {@code values[0, count)} as {@code dtype} to {@code target} from byte {@code start} on.
   *
   * @param count for block types a whole number of blocks
   * @throws ArithmeticException if a value is not finite, or too large for the type
   */
  public static void fromFloats(float[] values, int count, DType dtype, MemorySegment target, long start) {
    checkFinite(values, count);
    switch (dtype) {
      case F32 -> MemorySegment.copy(values, 0, target, F32, start, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          target.set(U16, start + 2L * i, toF16(values[i]));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          target.set(U16, start + 2L * i, toBf16(values[i]));
        }
      }
      case Q8_0 -> {
        for (int i = 0; i < count; i += BLOCK) {
          q8Block(values, i, target, start + dtype.bytes(i));
        }
      }
      case Q4_0 -> {
        for (int i = 0; i < count; i += BLOCK) {
          q4Block(values, i, target, start + dtype.bytes(i));
        }
      }
      default -> throw new IllegalArgumentException(dtype + " is read, not written");
    }
  }

  private static void checkFinite(float[] values, int count) {
    for (int i = 0; i < count; i++) {
      if (!Float.isFinite(values[i])) {
        throw new ArithmeticException("holds " + values[i]);
      }
    }
  }

  private static short toF16(float value) {
    short bits = Float.floatToFloat16(value);
    if ((bits & 0x7FFF) == 0x7C00) {
      throw new ArithmeticException("holds %s, too large for F16".formatted(value));
    }
    return bits;
  }

  private static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (short) ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
  }

  private static void q8Block(float[] values, int from, MemorySegment target, long block) {
    float largest = 0;
    for (int i = from; i < from + BLOCK; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
    }
    float scale = largest / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    target.set(U16, block, toF16(scale));
    for (int i = 0; i < BLOCK; i++) {
      target.set(ValueLayout.JAVA_BYTE, block + 2 + i, (byte) roundHalfAwayFromZero(values[from + i] * inverse));
    }
  }

  private static int roundHalfAwayFromZero(float value) {
    // In double, the sum is exact. Without a branch, whose way is anybody's guess.
    return (int) (value + Math.copySign(0.5, (double) value));
  }

  private static void q4Block(float[] values, int from, MemorySegment target, long block) {
    float largest = 0;
    float signed = 0;
    for (int i = from; i < from + BLOCK; i++) {
      if (Math.abs(values[i]) > largest) {
        largest = Math.abs(values[i]);
        signed = values[i];
      }
    }
    float scale = signed / -8;
    float inverse = scale == 0 ? 0 : 1 / scale;
    target.set(U16, block, toF16(scale));
    for (int i = 0; i < BLOCK / 2; i++) {
      int low = Math.min(15, (int) (values[from + i] * inverse + 8.5f));
      int high = Math.min(15, (int) (values[from + BLOCK / 2 + i] * inverse + 8.5f));
      target.set(ValueLayout.JAVA_BYTE, block + 2 + i, (byte) (low | high << 4));
    }
  }
}
