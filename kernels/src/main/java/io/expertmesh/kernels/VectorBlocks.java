package io.expertmesh.kernels;

import static io.expertmesh.kernels.VectorWeights.SPECIES;
import static io.expertmesh.kernels.VectorWeights.WIDTH;
import static io.expertmesh.kernels.VectorWeights.f16Scale;
import static io.expertmesh.kernels.VectorWeights.u8;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Runs of weights written out as f32, every format with a loop of its own. The values are those of
 * {@link ScalarWeights}, computed by the same operations.
 *
 * <p>Addresses are absolute, as in {@link VectorWeights}.
 */
final class VectorBlocks {
  /** Runs begin and end at multiples of this many columns, or at the end of the row. */
  static final int STEP = 256;

  private VectorBlocks() {}

  /** Writes the elements [from, to) of row {@code row} as f32; the row's length is a multiple of 16. */
  static void dequantize(WeightMatrix weight, int row, int from, int to, float[] out, int outOffset) {
    DType dtype = weight.dtype();
    long start = weight.data().address() + weight.rowStart(row);
    BlockScales scales = weight.scales();
    if (scales == null) {
      dequantize(dtype, start + dtype.bytes(from), to - from, 1f, out, outOffset);
      return;
    }
    int storedRow = weight.storedRow(row);
    for (int k = from; k < to;) {
      int end = Math.min(to, k - k % scales.blockCols() + scales.blockCols());
      dequantize(dtype, start + dtype.bytes(k), end - k, scales.at(storedRow, k), out, outOffset + k - from);
      k = end;
    }
  }

  /** Whether {@link #dequantize} takes this matrix: all runs of equal scale are whole vectors. */
  static boolean handles(WeightMatrix weight) {
    BlockScales scales = weight.scales();
    return weight.cols() % ExactMath.LANES == 0
        && (scales == null || (scales.blockCols() % ExactMath.LANES == 0 && isScaled(weight.dtype())));
  }

  private static boolean isScaled(DType dtype) {
    return dtype == DType.F8_E4M3 || dtype == DType.F4_E2M1;
  }

  private static void dequantize(DType dtype, long at, int n, float scale, float[] out, int to) {
    switch (dtype) {
      case F32 -> f32(at, n, out, to);
      case F16 -> f16(at, n, out, to);
      case BF16 -> bf16(at, n, out, to);
      case Q8_0 -> q8x0(at, n, out, to);
      case Q4_0 -> q4x0(at, n, out, to);
      case Q4_1 -> q4x1(at, n, out, to);
      case Q5_0 -> q5x0(at, n, out, to);
      case Q5_1 -> q5x1(at, n, out, to);
      case Q4_K -> q4k(at, n, out, to);
      case Q5_K -> q5k(at, n, out, to);
      case Q6_K -> q6k(at, n, out, to);
      case MXFP4 -> mxfp4(at, n, out, to);
      case F4_E2M1 -> e2m1(at, n, scale, out, to);
      case F8_E4M3 -> e4m3(at, n, scale, out, to);
      case F8_E8M0 -> e8m0(at, n, out, to);
    }
  }

  private static void f32(long at, int n, float[] out, int to) {
    for (int k = 0; k < n; k += WIDTH) {
      VectorWeights.f32(at + 4L * k).intoArray(out, to + k);
    }
  }

  private static void f16(long at, int n, float[] out, int to) {
    for (int k = 0; k < n; k += WIDTH) {
      VectorWeights.f16(at + 2L * k).intoArray(out, to + k);
    }
  }

  private static void bf16(long at, int n, float[] out, int to) {
    for (int k = 0; k < n; k += WIDTH) {
      VectorWeights.bf16(at + 2L * k).intoArray(out, to + k);
    }
  }

  private static void q8x0(long block, int n, float[] out, int to) {
    for (int k = 0; k < n; k += 32, block += 34) {
      float d = f16Scale(block);
      for (int j = 0; j < 32; j += WIDTH) {
        VectorWeights.i8(block + 2 + j).mul(d).intoArray(out, to + k + j);
      }
    }
  }

  private static void q4x0(long block, int n, float[] out, int to) {
    for (int k = 0; k < n; k += 32, block += 18) {
      float d = f16Scale(block);
      for (int j = 0; j < 16; j += WIDTH) {
        IntVector pairs = u8(block + 2 + j);
        floats(low(pairs).sub(8)).mul(d).intoArray(out, to + k + j);
        floats(high(pairs).sub(8)).mul(d).intoArray(out, to + k + 16 + j);
      }
    }
  }

  private static void q4x1(long block, int n, float[] out, int to) {
    for (int k = 0; k < n; k += 32, block += 20) {
      float d = f16Scale(block);
      float m = f16Scale(block + 2);
      for (int j = 0; j < 16; j += WIDTH) {
        IntVector pairs = u8(block + 4 + j);
        floats(low(pairs)).mul(d).add(m).intoArray(out, to + k + j);
        floats(high(pairs)).mul(d).add(m).intoArray(out, to + k + 16 + j);
      }
    }
  }

  private static void q5x0(long block, int n, float[] out, int to) {
    for (int k = 0; k < n; k += 32, block += 22) {
      float d = f16Scale(block);
      int fifths = VectorWeights.i32(block + 2);
      for (int j = 0; j < 16; j += WIDTH) {
        IntVector pairs = u8(block + 6 + j);
        floats(low(pairs).or(fifthBits(fifths >>> j)).sub(16)).mul(d).intoArray(out, to + k + j);
        floats(high(pairs).or(fifthBits(fifths >>> (16 + j))).sub(16)).mul(d).intoArray(out, to + k + 16 + j);
      }
    }
  }

  private static void q5x1(long block, int n, float[] out, int to) {
    for (int k = 0; k < n; k += 32, block += 24) {
      float d = f16Scale(block);
      float m = f16Scale(block + 2);
      int fifths = VectorWeights.i32(block + 4);
      for (int j = 0; j < 16; j += WIDTH) {
        IntVector pairs = u8(block + 8 + j);
        floats(low(pairs).or(fifthBits(fifths >>> j))).mul(d).add(m).intoArray(out, to + k + j);
        floats(high(pairs).or(fifthBits(fifths >>> (16 + j)))).mul(d).add(m).intoArray(out, to + k + 16 + j);
      }
    }
  }

  private static void q4k(long block, int n, float[] out, int to) {
    for (int k = 0; k < n; k += 64) {
      long nibbles = block + 16 + k % 256 / 2;
      int sub = k % 256 / 32;
      float d0 = scaleK(block, sub);
      float m0 = minK(block, sub);
      float d1 = scaleK(block, sub + 1);
      float m1 = minK(block, sub + 1);
      for (int j = 0; j < 32; j += WIDTH) {
        IntVector pairs = u8(nibbles + j);
        floats(low(pairs)).mul(d0).sub(m0).intoArray(out, to + k + j);
        floats(high(pairs)).mul(d1).sub(m1).intoArray(out, to + k + 32 + j);
      }
      block += k % 256 == 192 ? 144 : 0;
    }
  }

  private static void q5k(long block, int n, float[] out, int to) {
    for (int k = 0; k < n; k += 64) {
      long nibbles = block + 48 + k % 256 / 2;
      int sub = k % 256 / 32;
      float d0 = scaleK(block, sub);
      float m0 = minK(block, sub);
      float d1 = scaleK(block, sub + 1);
      float m1 = minK(block, sub + 1);
      for (int j = 0; j < 32; j += WIDTH) {
        IntVector pairs = u8(nibbles + j);
        IntVector fifths = u8(block + 16 + j).lanewise(VectorOperators.LSHR, sub);
        floats(low(pairs).or(fifths.and(1).lanewise(VectorOperators.LSHL, 4))).mul(d0).sub(m0)
            .intoArray(out, to + k + j);
        floats(high(pairs).or(fifths.and(2).lanewise(VectorOperators.LSHL, 3))).mul(d1).sub(m1)
            .intoArray(out, to + k + 32 + j);
      }
      block += k % 256 == 192 ? 176 : 0;
    }
  }

  /** The scale of the {@code sub}th 32 of a Q4_K or Q5_K block. */
  private static float scaleK(long block, int sub) {
    long at = block + 4 + sub;
    int scale = sub < 4
        ? VectorWeights.byteAt(at) & 63
        : (VectorWeights.byteAt(at + 4) & 15) | ((VectorWeights.byteAt(at - 4) & 0xc0) >> 2);
    return f16Scale(block) * scale;
  }

  private static float minK(long block, int sub) {
    long at = block + 4 + sub;
    int min = sub < 4
        ? VectorWeights.byteAt(at + 4) & 63
        : ((VectorWeights.byteAt(at + 4) & 0xf0) >> 4) | ((VectorWeights.byteAt(at) & 0xc0) >> 2);
    return f16Scale(block + 2) * min;
  }

  /** Goes by 64 elements of 128: two runs of 32, one in the low and one in the high nibbles of the same bytes. */
  private static void q6k(long block, int n, float[] out, int to) {
    for (int k = 0; k < n; k += 256, block += 210) {
      float d = f16Scale(block + 208);
      for (int run = 0; run < 4; run++) {
        int first = run / 2 * 128 + run % 2 * 32;
        long nibbles = block + run * 32L;
        long bits = block + 128 + run / 2 * 32L;
        long scales = block + 192 + first / 16;
        q6k64(nibbles, bits, 2 * (run % 2), d, scales, out, to + k + first);
        q6k64(nibbles + 16, bits + 16, 2 * (run % 2), d, scales + 1, out, to + k + first + 16);
      }
    }
  }

  private static void q6k64(long nibbles, long bits, int shift, float d, long scales, float[] out, int to) {
    float d0 = d * VectorWeights.byteAt(scales);
    float d1 = d * VectorWeights.byteAt(scales + 4);
    for (int j = 0; j < 16; j += WIDTH) {
      IntVector pairs = u8(nibbles + j);
      IntVector high = u8(bits + j).lanewise(VectorOperators.LSHR, shift);
      floats(low(pairs).or(high.and(3).lanewise(VectorOperators.LSHL, 4)).sub(32)).mul(d0).intoArray(out, to + j);
      floats(high(pairs).or(high.and(0x30)).sub(32)).mul(d1).intoArray(out, to + 64 + j);
    }
  }

  private static void mxfp4(long block, int n, float[] out, int to) {
    for (int k = 0; k < n; k += 32, block += 17) {
      float d = SmallFloats.halfE8m0(VectorWeights.byteAt(block) & 0xff);
      for (int j = 0; j < 16; j += WIDTH) {
        IntVector pairs = u8(block + 1 + j);
        // Adding 0 makes 0 of -0.
        VectorWeights.doubledE2m1(low(pairs)).add(0f).mul(d).intoArray(out, to + k + j);
        VectorWeights.doubledE2m1(high(pairs)).add(0f).mul(d).intoArray(out, to + k + 16 + j);
      }
    }
  }

  private static void e2m1(long at, int n, float scale, float[] out, int to) {
    for (int k = 0; k < n; k += WIDTH) {
      VectorWeights.doubledE2m1(VectorWeights.nibbles(at + k / 2)).mul(0.5f).mul(scale).intoArray(out, to + k);
    }
  }

  private static void e4m3(long at, int n, float scale, float[] out, int to) {
    for (int k = 0; k < n; k += WIDTH) {
      VectorWeights.e4m3(u8(at + k)).mul(scale).intoArray(out, to + k);
    }
  }

  private static void e8m0(long at, int n, float[] out, int to) {
    for (int k = 0; k < n; k++) {
      out[to + k] = SmallFloats.e8m0(VectorWeights.byteAt(at + k) & 0xff);
    }
  }

  private static IntVector low(IntVector pairs) {
    return pairs.and(15);
  }

  private static IntVector high(IntVector pairs) {
    return pairs.lanewise(VectorOperators.LSHR, 4);
  }

  private static FloatVector floats(IntVector values) {
    return (FloatVector) values.convertShape(VectorOperators.I2F, SPECIES, 0);
  }

  /** 16 in each lane whose bit, counted from the lowest, is set. */
  private static IntVector fifthBits(int bits) {
    return IntVector.broadcast(VectorWeights.INTS, bits).lanewise(VectorOperators.LSHR, VectorWeights.LANE).and(1)
        .lanewise(VectorOperators.LSHL, 4);
  }
}
