package io.expertmesh.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The definition of every {@link DType}'s values, one element at a time: f32 arithmetic without fused multiply-add, as
 * gguf-py's {@code quants.py} computes them.
 */
final class ScalarWeights {
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private ScalarWeights() {}

  /** Element {@code k} of the row that starts at byte {@code start}, before any {@link BlockScales}. */
  static float element(MemorySegment data, DType dtype, long start, int k) {
    long block = start + (long) (k / dtype.blockElements()) * dtype.blockBytes();
    long i = k % dtype.blockElements();
    return switch (dtype) {
      case F32 -> data.get(F32, block);
      case F16 -> f16(data, block);
      case BF16 -> Float.intBitsToFloat(data.get(U16, block) << 16);
      case Q8_0 -> f16(data, block) * data.get(ValueLayout.JAVA_BYTE, block + 2 + i);
      case Q4_0 -> f16(data, block) * (nibble(data, block + 2, 16, i) - 8);
      case Q4_1 -> f16(data, block) * nibble(data, block + 4, 16, i) + f16(data, block + 2);
      case Q5_0 -> f16(data, block) * (nibble(data, block + 6, 16, i) + fifthBit(data, block + 2, i) - 16);
      case Q5_1 -> f16(data, block) * (nibble(data, block + 8, 16, i) + fifthBit(data, block + 4, i))
          + f16(data, block + 2);
      case Q4_K -> scaledK(data, block, i / 32, nibble(data, block + 16 + i / 64 * 32, 32, i % 64));
      case Q5_K -> {
        int high = (u8(data, block + 16 + i % 32) >> (i / 32)) & 1;
        yield scaledK(data, block, i / 32, nibble(data, block + 48 + i / 64 * 32, 32, i % 64) + 16 * high);
      }
      case Q6_K -> {
        int low = (u8(data, block + i / 128 * 64 + i % 64) >> (i % 128 / 64 * 4)) & 15;
        int high = (u8(data, block + 128 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2)) & 3;
        float scale = f16(data, block + 208) * data.get(ValueLayout.JAVA_BYTE, block + 192 + i / 16);
        yield scale * (low + 16 * high - 32);
      }
      case MXFP4 -> SmallFloats.halfE8m0(u8(data, block)) * SmallFloats.doubledE2m1(nibble(data, block + 1, 16, i));
      case F4_E2M1 -> SmallFloats.e2m1(nibble(data, block, 1, i));
      case F8_E4M3 -> SmallFloats.e4m3(u8(data, block));
      case F8_E8M0 -> SmallFloats.e8m0(u8(data, block));
    };
  }

  private static float f16(MemorySegment data, long at) {
    return Float.float16ToFloat(data.get(U16, at));
  }

  private static int u8(MemorySegment data, long at) {
    return data.get(ValueLayout.JAVA_BYTE, at) & 0xff;
  }

  /** Nibble {@code i} of {@code bytes} bytes that have the first half of the nibbles low and the second half high. */
  private static int nibble(MemorySegment data, long at, int bytes, long i) {
    return (u8(data, at + i % bytes) >> (i / bytes * 4)) & 15;
  }

  private static int fifthBit(MemorySegment data, long at, long i) {
    return ((data.get(U32, at) >>> i) & 1) << 4;
  }

  /** An element of the {@code sub}th 32 of a Q4_K or Q5_K block. */
  private static float scaledK(MemorySegment data, long block, long sub, int q) {
    float scale = f16(data, block) * kScale(data, block + 4, sub);
    float min = f16(data, block + 2) * kMin(data, block + 4, sub);
    return scale * q - min;
  }

  /** The 6-bit scale {@code sub} of the 12 bytes from {@code at} on. */
  private static int kScale(MemorySegment data, long at, long sub) {
    return sub < 4
        ? u8(data, at + sub) & 63
        : (u8(data, at + sub + 4) & 15) | (u8(data, at + sub - 4) >> 6 << 4);
  }

  /** The 6-bit minimum {@code sub} of the 12 bytes from {@code at} on. */
  private static int kMin(MemorySegment data, long at, long sub) {
    return sub < 4
        ? u8(data, at + sub + 4) & 63
        : (u8(data, at + sub + 4) >> 4) | (u8(data, at + sub) >> 6 << 4);
  }
}
