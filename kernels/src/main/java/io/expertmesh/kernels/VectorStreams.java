package io.expertmesh.kernels;

import static io.expertmesh.kernels.VectorWeights.PARTS;
import static io.expertmesh.kernels.VectorWeights.SPECIES;
import static io.expertmesh.kernels.VectorWeights.WIDTH;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Matrix products for few rows of x, where reading the weights is what takes the time: they stream from memory once
 * and become f32 in registers.
 *
 * <p>Four chains of {@code fma} run side by side, since one alone waits for itself. They belong to four outputs far
 * apart: the range of outputs is cut into four streams, each read from start to end, which is what prefetchers follow.
 * Four neighbouring rows would be four short streams in the same pages; these came from memory at a fraction of the speed.
 *
 * <p>F16 and Q4_0 go by pairs: with four rows, what one block takes would exceed what the compiler inlines into one
 * method, and every vector would become an object.
 *
 * <p>The other formats take too much arithmetic for that: a piece of each of the four rows is written out as f32 into the
 * nearest cache and multiplied from there, for all rows of x.
 *
 * <p>Where a register holds fewer than 16 lanes, a dot product goes over its row once per part.
 */
final class VectorStreams {
  private static final int STREAMS = 4;
  /** Columns that {@link #byPieces} writes out at a time. */
  private static final int PIECE = 2 * VectorBlocks.STEP;

  private VectorStreams() {}

  /** See {@link Kernels#matmul}; {@code weight.cols} is a multiple of 16. */
  static void matmul(WeightMatrix weight, int fromRow, int toRow, float[] x, int xOffset, int xStride, int n,
      float[] out, int outOffset, int outStride) {
    int rows = toRow - fromRow;
    int length = (rows + STREAMS - 1) / STREAMS;
    // Streams overlap where the range is no multiple of four: some outputs are then computed twice, with equal bits.
    int row0 = fromRow;
    int row1 = fromRow + Math.min(length, rows - length);
    int row2 = fromRow + Math.min(2 * length, rows - length);
    int row3 = fromRow + Math.min(3 * length, rows - length);
    if (!inRegisters(weight)) {
      byPieces(weight, row0, row1, row2, row3, length, x, xOffset, xStride, n, out, outOffset, outStride);
      return;
    }
    long address = weight.data().address();
    float[] lanes = new float[STREAMS * ExactMath.LANES];
    for (int i = 0; i < length; i++) {
      for (int j = 0; j < n; j++) {
        dot4(weight.dtype(), address + weight.rowStart(row0 + i), address + weight.rowStart(row1 + i),
            address + weight.rowStart(row2 + i), address + weight.rowStart(row3 + i), weight.cols(), x,
            xOffset + j * xStride, lanes);
        int at = outOffset + j * outStride + i;
        out[at + row0] = VectorMath.reduce(lanes, 0);
        out[at + row1] = VectorMath.reduce(lanes, ExactMath.LANES);
        out[at + row2] = VectorMath.reduce(lanes, 2 * ExactMath.LANES);
        out[at + row3] = VectorMath.reduce(lanes, 3 * ExactMath.LANES);
      }
    }
  }

  private static boolean inRegisters(WeightMatrix weight) {
    return weight.scales() == null && switch (weight.dtype()) {
      case F32, F16, BF16, Q8_0, Q4_0 -> true;
      default -> false;
    };
  }

  /** The lanes of the dot products of x with four rows of weights at absolute addresses. */
  private static void dot4(DType dtype, long w0, long w1, long w2, long w3, int cols, float[] x, int xOffset,
      float[] lanes) {
    switch (dtype) {
      case F32 -> f32(w0, w1, w2, w3, cols, x, xOffset, lanes);
      case F16 -> f16(w0, w1, w2, w3, cols, x, xOffset, lanes);
      case BF16 -> bf16(w0, w1, w2, w3, cols, x, xOffset, lanes);
      case Q8_0 -> q8(w0, w1, w2, w3, cols, x, xOffset, lanes);
      case Q4_0 -> q4(w0, w1, w2, w3, cols, x, xOffset, lanes);
      default -> throw new IllegalArgumentException(dtype.name());
    }
  }

  /** As {@link #matmul}, with {@code length} rows from each of four rows on. */
  private static void byPieces(WeightMatrix weight, int row0, int row1, int row2, int row3, int length, float[] x,
      int xOffset, int xStride, int n, float[] out, int outOffset, int outStride) {
    int cols = weight.cols();
    float[] piece = new float[STREAMS * PIECE];
    float[] lanes = new float[n * STREAMS * ExactMath.LANES];
    for (int i = 0; i < length; i++) {
      Arrays.fill(lanes, 0f);
      for (int k = 0; k < cols; k += PIECE) {
        int end = Math.min(cols, k + PIECE);
        VectorBlocks.dequantize(weight, row0 + i, k, end, piece, 0);
        VectorBlocks.dequantize(weight, row1 + i, k, end, piece, PIECE);
        VectorBlocks.dequantize(weight, row2 + i, k, end, piece, 2 * PIECE);
        VectorBlocks.dequantize(weight, row3 + i, k, end, piece, 3 * PIECE);
        for (int j = 0; j < n; j++) {
          addPiece(piece, end - k, x, xOffset + j * xStride + k, lanes, j * STREAMS * ExactMath.LANES);
        }
      }
      for (int j = 0; j < n; j++) {
        int at = outOffset + j * outStride + i;
        int lane = j * STREAMS * ExactMath.LANES;
        out[at + row0] = VectorMath.reduce(lanes, lane);
        out[at + row1] = VectorMath.reduce(lanes, lane + ExactMath.LANES);
        out[at + row2] = VectorMath.reduce(lanes, lane + 2 * ExactMath.LANES);
        out[at + row3] = VectorMath.reduce(lanes, lane + 3 * ExactMath.LANES);
      }
    }
  }

  /** Adds the products of x with the first {@code n} columns of a piece to its four times 16 lanes from {@code at} on. */
  private static void addPiece(float[] piece, int n, float[] x, int xOffset, float[] lanes, int at) {
    for (int part = 0; part < ExactMath.LANES; part += WIDTH) {
      int slot = at + part;
      FloatVector a0 = FloatVector.fromArray(SPECIES, lanes, slot);
      FloatVector a1 = FloatVector.fromArray(SPECIES, lanes, slot + ExactMath.LANES);
      FloatVector a2 = FloatVector.fromArray(SPECIES, lanes, slot + 2 * ExactMath.LANES);
      FloatVector a3 = FloatVector.fromArray(SPECIES, lanes, slot + 3 * ExactMath.LANES);
      for (int k = part; k < n; k += ExactMath.LANES) {
        FloatVector v = FloatVector.fromArray(SPECIES, x, xOffset + k);
        a0 = FloatVector.fromArray(SPECIES, piece, k).fma(v, a0);
        a1 = FloatVector.fromArray(SPECIES, piece, PIECE + k).fma(v, a1);
        a2 = FloatVector.fromArray(SPECIES, piece, 2 * PIECE + k).fma(v, a2);
        a3 = FloatVector.fromArray(SPECIES, piece, 3 * PIECE + k).fma(v, a3);
      }
      a0.intoArray(lanes, slot);
      a1.intoArray(lanes, slot + ExactMath.LANES);
      a2.intoArray(lanes, slot + 2 * ExactMath.LANES);
      a3.intoArray(lanes, slot + 3 * ExactMath.LANES);
    }
  }

  private static void f32(long w0, long w1, long w2, long w3, int cols, float[] x, int xOffset, float[] lanes) {
    for (int part = 0; part < ExactMath.LANES; part += WIDTH) {
      FloatVector a0 = FloatVector.zero(SPECIES);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      for (int k = part; k < cols; k += ExactMath.LANES) {
        FloatVector v = FloatVector.fromArray(SPECIES, x, xOffset + k);
        a0 = VectorWeights.f32(w0 + 4L * k).fma(v, a0);
        a1 = VectorWeights.f32(w1 + 4L * k).fma(v, a1);
        a2 = VectorWeights.f32(w2 + 4L * k).fma(v, a2);
        a3 = VectorWeights.f32(w3 + 4L * k).fma(v, a3);
      }
      a0.intoArray(lanes, part);
      a1.intoArray(lanes, part + ExactMath.LANES);
      a2.intoArray(lanes, part + 2 * ExactMath.LANES);
      a3.intoArray(lanes, part + 3 * ExactMath.LANES);
    }
  }

  private static void f16(long w0, long w1, long w2, long w3, int cols, float[] x, int xOffset, float[] lanes) {
    for (int pass = 0; pass < 2 * PARTS; pass++) {
      int part = pass / 2 * WIDTH;
      long u0 = pass % 2 == 0 ? w0 : w2;
      long u1 = pass % 2 == 0 ? w1 : w3;
      FloatVector a0 = FloatVector.zero(SPECIES);
      FloatVector a1 = a0;
      for (int k = part; k < cols; k += ExactMath.LANES) {
        FloatVector v = FloatVector.fromArray(SPECIES, x, xOffset + k);
        a0 = VectorWeights.f16(u0 + 2L * k).fma(v, a0);
        a1 = VectorWeights.f16(u1 + 2L * k).fma(v, a1);
      }
      int at = pass % 2 * 2 * ExactMath.LANES + part;
      a0.intoArray(lanes, at);
      a1.intoArray(lanes, at + ExactMath.LANES);
    }
  }

  private static void bf16(long w0, long w1, long w2, long w3, int cols, float[] x, int xOffset, float[] lanes) {
    for (int part = 0; part < ExactMath.LANES; part += WIDTH) {
      FloatVector a0 = FloatVector.zero(SPECIES);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      for (int k = part; k < cols; k += ExactMath.LANES) {
        FloatVector v = FloatVector.fromArray(SPECIES, x, xOffset + k);
        a0 = VectorWeights.bf16(w0 + 2L * k).fma(v, a0);
        a1 = VectorWeights.bf16(w1 + 2L * k).fma(v, a1);
        a2 = VectorWeights.bf16(w2 + 2L * k).fma(v, a2);
        a3 = VectorWeights.bf16(w3 + 2L * k).fma(v, a3);
      }
      a0.intoArray(lanes, part);
      a1.intoArray(lanes, part + ExactMath.LANES);
      a2.intoArray(lanes, part + 2 * ExactMath.LANES);
      a3.intoArray(lanes, part + 3 * ExactMath.LANES);
    }
  }

  private static void q8(long w0, long w1, long w2, long w3, int cols, float[] x, int xOffset, float[] lanes) {
    for (int part = 0; part < ExactMath.LANES; part += WIDTH) {
      FloatVector a0 = FloatVector.zero(SPECIES);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      long block = 0;
      for (int k = part; k < cols; k += 32, block += 34) {
        FloatVector low = FloatVector.fromArray(SPECIES, x, xOffset + k);
        FloatVector high = FloatVector.fromArray(SPECIES, x, xOffset + k + 16);
        float d0 = VectorWeights.f16Scale(w0 + block);
        a0 = VectorWeights.i8(w0 + block + 2 + part).mul(d0).fma(low, a0);
        a0 = VectorWeights.i8(w0 + block + 18 + part).mul(d0).fma(high, a0);
        float d1 = VectorWeights.f16Scale(w1 + block);
        a1 = VectorWeights.i8(w1 + block + 2 + part).mul(d1).fma(low, a1);
        a1 = VectorWeights.i8(w1 + block + 18 + part).mul(d1).fma(high, a1);
        float d2 = VectorWeights.f16Scale(w2 + block);
        a2 = VectorWeights.i8(w2 + block + 2 + part).mul(d2).fma(low, a2);
        a2 = VectorWeights.i8(w2 + block + 18 + part).mul(d2).fma(high, a2);
        float d3 = VectorWeights.f16Scale(w3 + block);
        a3 = VectorWeights.i8(w3 + block + 2 + part).mul(d3).fma(low, a3);
        a3 = VectorWeights.i8(w3 + block + 18 + part).mul(d3).fma(high, a3);
      }
      a0.intoArray(lanes, part);
      a1.intoArray(lanes, part + ExactMath.LANES);
      a2.intoArray(lanes, part + 2 * ExactMath.LANES);
      a3.intoArray(lanes, part + 3 * ExactMath.LANES);
    }
  }

  private static void q4(long w0, long w1, long w2, long w3, int cols, float[] x, int xOffset, float[] lanes) {
    for (int pass = 0; pass < 2 * PARTS; pass++) {
      int part = pass / 2 * WIDTH;
      long u0 = pass % 2 == 0 ? w0 : w2;
      long u1 = pass % 2 == 0 ? w1 : w3;
      FloatVector a0 = FloatVector.zero(SPECIES);
      FloatVector a1 = a0;
      long block = 0;
      for (int k = part; k < cols; k += 32, block += 18) {
        FloatVector low = FloatVector.fromArray(SPECIES, x, xOffset + k);
        FloatVector high = FloatVector.fromArray(SPECIES, x, xOffset + k + 16);
        float d0 = VectorWeights.f16Scale(u0 + block);
        IntVector p0 = VectorWeights.u8(u0 + block + 2 + part);
        a0 = VectorWeights.lowNibbles(p0).mul(d0).fma(low, a0);
        a0 = VectorWeights.highNibbles(p0).mul(d0).fma(high, a0);
        float d1 = VectorWeights.f16Scale(u1 + block);
        IntVector p1 = VectorWeights.u8(u1 + block + 2 + part);
        a1 = VectorWeights.lowNibbles(p1).mul(d1).fma(low, a1);
        a1 = VectorWeights.highNibbles(p1).mul(d1).fma(high, a1);
      }
      int at = pass % 2 * 2 * ExactMath.LANES + part;
      a0.intoArray(lanes, at);
      a1.intoArray(lanes, at + ExactMath.LANES);
    }
  }
}
