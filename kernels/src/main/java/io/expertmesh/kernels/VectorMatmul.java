package io.expertmesh.kernels;

import static io.expertmesh.kernels.VectorWeights.PARTS;
import static io.expertmesh.kernels.VectorWeights.SPECIES;
import static io.expertmesh.kernels.VectorWeights.WIDTH;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Matrix products.
 *
 * <p>One row of x: the weights stream from memory once and are widened in registers, one output after the other (that
 * order suits the prefetchers). Several rows: four rows of weights become f32 once, then tiles of 4 outputs x 4 or 2
 * rows keep the multiply units busy. Where a register holds fewer than 16 lanes, a dot product goes over its row once
 * per part.
 */
final class VectorMatmul {
  private static final int PANEL = 4;
  private static final VectorShuffle<Float> BY_8 = WIDTH > 8 ? VectorShuffle.iota(SPECIES, 8, 1, true) : none();
  private static final VectorShuffle<Float> BY_4 = WIDTH > 4 ? VectorShuffle.iota(SPECIES, 4, 1, true) : none();
  private static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(SPECIES, 2, 1, true);
  private static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(SPECIES, 1, 1, true);
  private static final ThreadLocal<float[]> PANELS = ThreadLocal.withInitial(() -> new float[0]);

  private VectorMatmul() {}

  private static VectorShuffle<Float> none() {
    return VectorShuffle.iota(SPECIES, 0, 1, true);
  }

  /** The fixed reduction tree over the lanes of a whole register. */
  private static float reduce(FloatVector v) {
    if (WIDTH > 8) {
      v = v.add(v.rearrange(BY_8));
    }
    if (WIDTH > 4) {
      v = v.add(v.rearrange(BY_4));
    }
    v = v.add(v.rearrange(BY_2));
    return v.add(v.rearrange(BY_1)).lane(0);
  }

  /** See {@link Kernels#matmul}; {@code weight.cols} is a multiple of 16. */
  static void matmul(WeightMatrix weight, int fromRow, int toRow, float[] x, int xOffset, int xStride, int n,
      float[] out, int outOffset, int outStride) {
    long address = weight.data().address();
    if (n == 1) {
      for (int row = fromRow; row < toRow; row++) {
        out[outOffset + row] = dot(weight.dtype(), address + row * weight.rowBytes(), weight.cols(), x, xOffset);
      }
      return;
    }
    int cols = weight.cols();
    float[] panel = panel(PANEL * cols);
    for (int row = fromRow; row < toRow; row += PANEL) {
      int outputs = Math.min(PANEL, toRow - row);
      for (int r = 0; r < outputs; r++) {
        VectorWeights.dequantize(weight.dtype(), address + (row + r) * weight.rowBytes(), cols, panel, r * cols);
      }
      multiplyPanel(panel, cols, outputs, x, xOffset, xStride, n, out, outOffset + row, outStride);
    }
  }

  private static float[] panel(int length) {
    float[] panel = PANELS.get();
    if (panel.length < length) {
      panel = new float[length];
      PANELS.set(panel);
    }
    return panel;
  }

  private static void multiplyPanel(float[] panel, int cols, int outputs, float[] x, int xOffset, int xStride, int n,
      float[] out, int outOffset, int outStride) {
    float[] tile = new float[PANEL * 4];
    int width = WIDTH == ExactMath.LANES ? 4 : 2;
    for (int i = 0; i < n; i += width) {
      // A tile that sticks out repeats the last row; what is computed for it is not stored.
      int last = xOffset + (n - 1) * xStride;
      int x0 = xOffset + i * xStride;
      int x1 = Math.min(x0 + xStride, last);
      int rows = Math.min(width, n - i);
      if (rows > 2) {
        tile4x4(panel, cols, x, x0, x1, Math.min(x1 + xStride, last), Math.min(x1 + 2 * xStride, last), tile);
      } else if (PARTS == 1) {
        tile4x2(panel, cols, x, x0, x1, tile);
      } else {
        tile4x2Parts(panel, cols, x, x0, x1, tile);
      }
      for (int j = 0; j < rows; j++) {
        for (int r = 0; r < outputs; r++) {
          out[outOffset + (i + j) * outStride + r] = tile[j * PANEL + r];
        }
      }
    }
  }

  /** tile[j * 4 + r] = dot(panel row r, x row j); one register holds all lanes. */
  private static void tile4x4(float[] panel, int cols, float[] x, int x0, int x1, int x2, int x3, float[] tile) {
    FloatVector a00 = FloatVector.zero(SPECIES);
    FloatVector a01 = a00;
    FloatVector a02 = a00;
    FloatVector a03 = a00;
    FloatVector a10 = a00;
    FloatVector a11 = a00;
    FloatVector a12 = a00;
    FloatVector a13 = a00;
    FloatVector a20 = a00;
    FloatVector a21 = a00;
    FloatVector a22 = a00;
    FloatVector a23 = a00;
    FloatVector a30 = a00;
    FloatVector a31 = a00;
    FloatVector a32 = a00;
    FloatVector a33 = a00;
    for (int k = 0; k < cols; k += ExactMath.LANES) {
      FloatVector w0 = FloatVector.fromArray(SPECIES, panel, k);
      FloatVector w1 = FloatVector.fromArray(SPECIES, panel, cols + k);
      FloatVector w2 = FloatVector.fromArray(SPECIES, panel, 2 * cols + k);
      FloatVector w3 = FloatVector.fromArray(SPECIES, panel, 3 * cols + k);
      FloatVector v = FloatVector.fromArray(SPECIES, x, x0 + k);
      a00 = w0.fma(v, a00);
      a01 = w1.fma(v, a01);
      a02 = w2.fma(v, a02);
      a03 = w3.fma(v, a03);
      v = FloatVector.fromArray(SPECIES, x, x1 + k);
      a10 = w0.fma(v, a10);
      a11 = w1.fma(v, a11);
      a12 = w2.fma(v, a12);
      a13 = w3.fma(v, a13);
      v = FloatVector.fromArray(SPECIES, x, x2 + k);
      a20 = w0.fma(v, a20);
      a21 = w1.fma(v, a21);
      a22 = w2.fma(v, a22);
      a23 = w3.fma(v, a23);
      v = FloatVector.fromArray(SPECIES, x, x3 + k);
      a30 = w0.fma(v, a30);
      a31 = w1.fma(v, a31);
      a32 = w2.fma(v, a32);
      a33 = w3.fma(v, a33);
    }
    tile[0] = reduce(a00);
    tile[1] = reduce(a01);
    tile[2] = reduce(a02);
    tile[3] = reduce(a03);
    tile[4] = reduce(a10);
    tile[5] = reduce(a11);
    tile[6] = reduce(a12);
    tile[7] = reduce(a13);
    tile[8] = reduce(a20);
    tile[9] = reduce(a21);
    tile[10] = reduce(a22);
    tile[11] = reduce(a23);
    tile[12] = reduce(a30);
    tile[13] = reduce(a31);
    tile[14] = reduce(a32);
    tile[15] = reduce(a33);
  }

  /** As {@link #tile4x4} for two rows of x. */
  private static void tile4x2(float[] panel, int cols, float[] x, int x0, int x1, float[] tile) {
    FloatVector a00 = FloatVector.zero(SPECIES);
    FloatVector a01 = a00;
    FloatVector a02 = a00;
    FloatVector a03 = a00;
    FloatVector a10 = a00;
    FloatVector a11 = a00;
    FloatVector a12 = a00;
    FloatVector a13 = a00;
    for (int k = 0; k < cols; k += ExactMath.LANES) {
      FloatVector v0 = FloatVector.fromArray(SPECIES, x, x0 + k);
      FloatVector v1 = FloatVector.fromArray(SPECIES, x, x1 + k);
      FloatVector w = FloatVector.fromArray(SPECIES, panel, k);
      a00 = w.fma(v0, a00);
      a10 = w.fma(v1, a10);
      w = FloatVector.fromArray(SPECIES, panel, cols + k);
      a01 = w.fma(v0, a01);
      a11 = w.fma(v1, a11);
      w = FloatVector.fromArray(SPECIES, panel, 2 * cols + k);
      a02 = w.fma(v0, a02);
      a12 = w.fma(v1, a12);
      w = FloatVector.fromArray(SPECIES, panel, 3 * cols + k);
      a03 = w.fma(v0, a03);
      a13 = w.fma(v1, a13);
    }
    tile[0] = reduce(a00);
    tile[1] = reduce(a01);
    tile[2] = reduce(a02);
    tile[3] = reduce(a03);
    tile[4] = reduce(a10);
    tile[5] = reduce(a11);
    tile[6] = reduce(a12);
    tile[7] = reduce(a13);
  }

  /** As {@link #tile4x2} where the lanes take several registers: one pass over the columns per part. */
  private static void tile4x2Parts(float[] panel, int cols, float[] x, int x0, int x1, float[] tile) {
    float[] lanes = new float[8 * ExactMath.LANES];
    for (int part = 0; part < ExactMath.LANES; part += WIDTH) {
      FloatVector a00 = FloatVector.zero(SPECIES);
      FloatVector a01 = a00;
      FloatVector a02 = a00;
      FloatVector a03 = a00;
      FloatVector a10 = a00;
      FloatVector a11 = a00;
      FloatVector a12 = a00;
      FloatVector a13 = a00;
      for (int k = part; k < cols; k += ExactMath.LANES) {
        FloatVector v0 = FloatVector.fromArray(SPECIES, x, x0 + k);
        FloatVector v1 = FloatVector.fromArray(SPECIES, x, x1 + k);
        FloatVector w = FloatVector.fromArray(SPECIES, panel, k);
        a00 = w.fma(v0, a00);
        a10 = w.fma(v1, a10);
        w = FloatVector.fromArray(SPECIES, panel, cols + k);
        a01 = w.fma(v0, a01);
        a11 = w.fma(v1, a11);
        w = FloatVector.fromArray(SPECIES, panel, 2 * cols + k);
        a02 = w.fma(v0, a02);
        a12 = w.fma(v1, a12);
        w = FloatVector.fromArray(SPECIES, panel, 3 * cols + k);
        a03 = w.fma(v0, a03);
        a13 = w.fma(v1, a13);
      }
      a00.intoArray(lanes, part);
      a01.intoArray(lanes, part + 16);
      a02.intoArray(lanes, part + 32);
      a03.intoArray(lanes, part + 48);
      a10.intoArray(lanes, part + 64);
      a11.intoArray(lanes, part + 80);
      a12.intoArray(lanes, part + 96);
      a13.intoArray(lanes, part + 112);
    }
    for (int i = 0; i < 8; i++) {
      tile[i] = reduceParts(lanes, i * ExactMath.LANES);
    }
  }

  /** The reduction tree over lanes that were stored part by part. */
  private static float reduceParts(float[] lanes, int offset) {
    FloatVector v = FloatVector.fromArray(SPECIES, lanes, offset);
    if (PARTS == 2) {
      v = v.add(FloatVector.fromArray(SPECIES, lanes, offset + WIDTH));
    } else {
      FloatVector v2 = FloatVector.fromArray(SPECIES, lanes, offset + 2 * WIDTH);
      FloatVector v1 = FloatVector.fromArray(SPECIES, lanes, offset + WIDTH);
      FloatVector v3 = FloatVector.fromArray(SPECIES, lanes, offset + 3 * WIDTH);
      v = v.add(v2).add(v1.add(v3));
    }
    return reduce(v);
  }

  /** Dot product of a row of weights with x, streaming. */
  private static float dot(DType dtype, long row, int cols, float[] x, int xOffset) {
    if (PARTS == 1) {
      return reduce(dotPart(dtype, row, cols, x, xOffset, 0));
    }
    FloatVector p0 = dotPart(dtype, row, cols, x, xOffset, 0);
    FloatVector p1 = dotPart(dtype, row, cols, x, xOffset, WIDTH);
    if (PARTS == 2) {
      return reduce(p0.add(p1));
    }
    FloatVector p2 = dotPart(dtype, row, cols, x, xOffset, 2 * WIDTH);
    FloatVector p3 = dotPart(dtype, row, cols, x, xOffset, 3 * WIDTH);
    return reduce(p0.add(p2).add(p1.add(p3)));
  }

  /** The lanes [part, part + WIDTH) of a dot product. */
  private static FloatVector dotPart(DType dtype, long row, int cols, float[] x, int xOffset, int part) {
    return switch (dtype) {
      case F32 -> dotF32(row, cols, x, xOffset, part);
      case F16 -> dotF16(row, cols, x, xOffset, part);
      case BF16 -> dotBf16(row, cols, x, xOffset, part);
      case Q8_0 -> dotQ8(row, cols, x, xOffset, part);
      case Q4_0 -> dotQ4(row, cols, x, xOffset, part);
    };
  }

  private static FloatVector dotF32(long row, int cols, float[] x, int xOffset, int part) {
    FloatVector sum = FloatVector.zero(SPECIES);
    for (int k = part; k < cols; k += ExactMath.LANES) {
      sum = VectorWeights.f32(row + 4L * k).fma(FloatVector.fromArray(SPECIES, x, xOffset + k), sum);
    }
    return sum;
  }

  private static FloatVector dotF16(long row, int cols, float[] x, int xOffset, int part) {
    FloatVector sum = FloatVector.zero(SPECIES);
    for (int k = part; k < cols; k += ExactMath.LANES) {
      sum = VectorWeights.f16(row + 2L * k).fma(FloatVector.fromArray(SPECIES, x, xOffset + k), sum);
    }
    return sum;
  }

  private static FloatVector dotBf16(long row, int cols, float[] x, int xOffset, int part) {
    FloatVector sum = FloatVector.zero(SPECIES);
    for (int k = part; k < cols; k += ExactMath.LANES) {
      sum = VectorWeights.bf16(row + 2L * k).fma(FloatVector.fromArray(SPECIES, x, xOffset + k), sum);
    }
    return sum;
  }

  private static FloatVector dotQ8(long row, int cols, float[] x, int xOffset, int part) {
    FloatVector sum = FloatVector.zero(SPECIES);
    long block = row;
    for (int k = part; k < cols; k += 32, block += 34) {
      float scale = VectorWeights.f16Scale(block);
      FloatVector low = VectorWeights.i8(block + 2 + part).mul(scale);
      FloatVector high = VectorWeights.i8(block + 18 + part).mul(scale);
      sum = low.fma(FloatVector.fromArray(SPECIES, x, xOffset + k), sum);
      sum = high.fma(FloatVector.fromArray(SPECIES, x, xOffset + k + 16), sum);
    }
    return sum;
  }

  private static FloatVector dotQ4(long row, int cols, float[] x, int xOffset, int part) {
    FloatVector sum = FloatVector.zero(SPECIES);
    long block = row;
    for (int k = part; k < cols; k += 32, block += 18) {
      float scale = VectorWeights.f16Scale(block);
      FloatVector low = VectorWeights.nibbles(block + 2 + part, 0).mul(scale);
      FloatVector high = VectorWeights.nibbles(block + 2 + part, 4).mul(scale);
      sum = low.fma(FloatVector.fromArray(SPECIES, x, xOffset + k), sum);
      sum = high.fma(FloatVector.fromArray(SPECIES, x, xOffset + k + 16), sum);
    }
    return sum;
  }

  /** Dot product of two runs of {@code n} floats, n a multiple of 16. */
  static float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
    if (PARTS == 1) {
      return reduce(dotPart(a, aOffset, b, bOffset, n, 0));
    }
    FloatVector p0 = dotPart(a, aOffset, b, bOffset, n, 0);
    FloatVector p1 = dotPart(a, aOffset, b, bOffset, n, WIDTH);
    if (PARTS == 2) {
      return reduce(p0.add(p1));
    }
    FloatVector p2 = dotPart(a, aOffset, b, bOffset, n, 2 * WIDTH);
    FloatVector p3 = dotPart(a, aOffset, b, bOffset, n, 3 * WIDTH);
    return reduce(p0.add(p2).add(p1.add(p3)));
  }

  private static FloatVector dotPart(float[] a, int aOffset, float[] b, int bOffset, int n, int part) {
    FloatVector sum = FloatVector.zero(SPECIES);
    for (int k = part; k < n; k += ExactMath.LANES) {
      sum = FloatVector.fromArray(SPECIES, a, aOffset + k).fma(FloatVector.fromArray(SPECIES, b, bOffset + k), sum);
    }
    return sum;
  }

  /** Sum of {@code n} floats, n a multiple of 16. */
  static float sum(float[] x, int offset, int n) {
    float[] lanes = new float[ExactMath.LANES];
    for (int part = 0; part < ExactMath.LANES; part += WIDTH) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int k = part; k < n; k += ExactMath.LANES) {
        sum = sum.add(FloatVector.fromArray(SPECIES, x, offset + k));
      }
      sum.intoArray(lanes, part);
    }
    return ExactMath.reduce(lanes);
  }

  /** e^x, lane by lane the bits of {@link ExactMath#exp}. */
  static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.min(ExactMath.EXP_MAX).max(ExactMath.EXP_MIN);
    FloatVector shifted = clamped.fma(FloatVector.broadcast(SPECIES, ExactMath.LOG2_E),
        FloatVector.broadcast(SPECIES, ExactMath.ROUND));
    FloatVector n = shifted.sub(ExactMath.ROUND);
    FloatVector r = n.fma(FloatVector.broadcast(SPECIES, -ExactMath.LN2_HIGH), clamped);
    r = n.fma(FloatVector.broadcast(SPECIES, -ExactMath.LN2_LOW), r);
    FloatVector p = r.fma(FloatVector.broadcast(SPECIES, ExactMath.C7), FloatVector.broadcast(SPECIES, ExactMath.C6));
    p = p.fma(r, FloatVector.broadcast(SPECIES, ExactMath.C5));
    p = p.fma(r, FloatVector.broadcast(SPECIES, ExactMath.C4));
    p = p.fma(r, FloatVector.broadcast(SPECIES, ExactMath.C3));
    p = p.fma(r, FloatVector.broadcast(SPECIES, ExactMath.C2));
    p = p.fma(r.mul(r), r).add(1f);
    FloatVector power = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).add(0x3f800000)
        .reinterpretAsFloats();
    return p.mul(power);
  }
}
