package io.expertmesh.kernels;

import static io.expertmesh.kernels.ExactMath.LANES;
import static io.expertmesh.kernels.VectorWeights.SPECIES;
import static io.expertmesh.kernels.VectorWeights.WIDTH;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Matrix products for many rows of x, where arithmetic is what takes the time.
 *
 * <p>A panel of {@value #PANEL} rows of weights becomes f32 once. Tiles of four outputs by four rows of x keep their
 * sums in registers over {@value #DEPTH} columns, so that the parts of panel and x in use stay in the
 * caches; between two such blocks of columns the running lanes wait in memory. Registers of fewer than 16 lanes are also
 * fewer on most machines: there a tile has two rows of x, and goes over its columns once per part.
 */
final class VectorTiles {
  private static final int PANEL = 16;
  private static final int DEPTH = 2048;
  private static final int TILE = 4;
  private static final int TILE_ROWS = WIDTH == LANES ? 4 : 2;

  private static final class Scratch {
    float[] panel = new float[0];
    /** (output of the panel, row of x, lane) */
    final float[] lanes = new float[PANEL * TILE * LANES];
  }

  private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

  private VectorTiles() {}

  /** See {@link Kernels#matmul}; {@code weight.cols} is a multiple of 16. */
  static void matmul(WeightMatrix weight, int fromRow, int toRow, float[] x, int xOffset, int xStride, int n,
      float[] out, int outOffset, int outStride) {
    int cols = weight.cols();
    Scratch scratch = SCRATCH.get();
    if (scratch.panel.length < PANEL * cols) {
      scratch.panel = new float[PANEL * cols];
    }
    for (int row = fromRow; row < toRow; row += PANEL) {
      int outputs = Math.min(PANEL, toRow - row);
      for (int r = 0; r < outputs; r++) {
        VectorBlocks.dequantize(weight, row + r, 0, cols, scratch.panel, r * cols);
      }
      for (int i = 0; i < n; i += TILE_ROWS) {
        multiply(scratch, cols, outputs, x, xOffset + i * xStride, xStride, Math.min(TILE_ROWS, n - i), out,
            outOffset + i * outStride + row, outStride);
      }
    }
  }

  /** The products of a panel with up to {@link #TILE_ROWS} rows of x. Tiles that stick out are computed, not stored. */
  private static void multiply(Scratch scratch, int cols, int outputs, float[] x, int x0, int xStride, int rows,
      float[] out, int outOffset, int outStride) {
    float[] panel = scratch.panel;
    float[] lanes = scratch.lanes;
    Arrays.fill(lanes, 0f);
    int last = x0 + (rows - 1) * xStride;
    int x1 = Math.min(x0 + xStride, last);
    int x2 = Math.min(x1 + xStride, last);
    for (int k = 0; k < cols; k += DEPTH) {
      int depth = Math.min(DEPTH, cols - k);
      for (int r = 0; r < outputs; r += TILE) {
        int at = r * TILE * LANES;
        if (rows > 2) {
          tile4x4(panel, r * cols + k, cols, x, x0 + k, x1 + k, x2 + k, last + k, depth, lanes, at);
        } else {
          tile4x2(panel, r * cols + k, cols, x, x0 + k, x1 + k, depth, lanes, at);
        }
      }
    }
    for (int r = 0; r < outputs; r++) {
      for (int j = 0; j < rows; j++) {
        out[outOffset + j * outStride + r] = VectorMath.reduce(lanes, (r * TILE + j) * LANES);
      }
    }
  }

  /** lanes[r][j] += panel row r * x row j, lane by lane, for 4 outputs and 4 rows of x. */
  private static void tile4x4(float[] panel, int w0, int rowStride, float[] x, int x0, int x1, int x2, int x3,
      int length, float[] lanes, int at) {
    for (int part = 0; part < LANES; part += WIDTH) {
      int slot = at + part;
      FloatVector a00 = FloatVector.fromArray(SPECIES, lanes, slot);
      FloatVector a01 = FloatVector.fromArray(SPECIES, lanes, slot + 4 * LANES);
      FloatVector a02 = FloatVector.fromArray(SPECIES, lanes, slot + 8 * LANES);
      FloatVector a03 = FloatVector.fromArray(SPECIES, lanes, slot + 12 * LANES);
      FloatVector a10 = FloatVector.fromArray(SPECIES, lanes, slot + 1 * LANES);
      FloatVector a11 = FloatVector.fromArray(SPECIES, lanes, slot + 5 * LANES);
      FloatVector a12 = FloatVector.fromArray(SPECIES, lanes, slot + 9 * LANES);
      FloatVector a13 = FloatVector.fromArray(SPECIES, lanes, slot + 13 * LANES);
      FloatVector a20 = FloatVector.fromArray(SPECIES, lanes, slot + 2 * LANES);
      FloatVector a21 = FloatVector.fromArray(SPECIES, lanes, slot + 6 * LANES);
      FloatVector a22 = FloatVector.fromArray(SPECIES, lanes, slot + 10 * LANES);
      FloatVector a23 = FloatVector.fromArray(SPECIES, lanes, slot + 14 * LANES);
      FloatVector a30 = FloatVector.fromArray(SPECIES, lanes, slot + 3 * LANES);
      FloatVector a31 = FloatVector.fromArray(SPECIES, lanes, slot + 7 * LANES);
      FloatVector a32 = FloatVector.fromArray(SPECIES, lanes, slot + 11 * LANES);
      FloatVector a33 = FloatVector.fromArray(SPECIES, lanes, slot + 15 * LANES);
      for (int k = part; k < length; k += LANES) {
        FloatVector v0 = FloatVector.fromArray(SPECIES, panel, w0 + k);
        FloatVector v1 = FloatVector.fromArray(SPECIES, panel, w0 + rowStride + k);
        FloatVector v2 = FloatVector.fromArray(SPECIES, panel, w0 + 2 * rowStride + k);
        FloatVector v3 = FloatVector.fromArray(SPECIES, panel, w0 + 3 * rowStride + k);
        FloatVector u = FloatVector.fromArray(SPECIES, x, x0 + k);
        a00 = v0.fma(u, a00);
        a01 = v1.fma(u, a01);
        a02 = v2.fma(u, a02);
        a03 = v3.fma(u, a03);
        u = FloatVector.fromArray(SPECIES, x, x1 + k);
        a10 = v0.fma(u, a10);
        a11 = v1.fma(u, a11);
        a12 = v2.fma(u, a12);
        a13 = v3.fma(u, a13);
        u = FloatVector.fromArray(SPECIES, x, x2 + k);
        a20 = v0.fma(u, a20);
        a21 = v1.fma(u, a21);
        a22 = v2.fma(u, a22);
        a23 = v3.fma(u, a23);
        u = FloatVector.fromArray(SPECIES, x, x3 + k);
        a30 = v0.fma(u, a30);
        a31 = v1.fma(u, a31);
        a32 = v2.fma(u, a32);
        a33 = v3.fma(u, a33);
      }
      a00.intoArray(lanes, slot);
      a01.intoArray(lanes, slot + 4 * LANES);
      a02.intoArray(lanes, slot + 8 * LANES);
      a03.intoArray(lanes, slot + 12 * LANES);
      a10.intoArray(lanes, slot + 1 * LANES);
      a11.intoArray(lanes, slot + 5 * LANES);
      a12.intoArray(lanes, slot + 9 * LANES);
      a13.intoArray(lanes, slot + 13 * LANES);
      a20.intoArray(lanes, slot + 2 * LANES);
      a21.intoArray(lanes, slot + 6 * LANES);
      a22.intoArray(lanes, slot + 10 * LANES);
      a23.intoArray(lanes, slot + 14 * LANES);
      a30.intoArray(lanes, slot + 3 * LANES);
      a31.intoArray(lanes, slot + 7 * LANES);
      a32.intoArray(lanes, slot + 11 * LANES);
      a33.intoArray(lanes, slot + 15 * LANES);
    }
  }

  /** lanes[r][j] += panel row r * x row j, lane by lane, for 4 outputs and 2 rows of x. */
  private static void tile4x2(float[] panel, int w0, int rowStride, float[] x, int x0, int x1, int length,
      float[] lanes, int at) {
    for (int part = 0; part < LANES; part += WIDTH) {
      int slot = at + part;
      FloatVector a00 = FloatVector.fromArray(SPECIES, lanes, slot);
      FloatVector a01 = FloatVector.fromArray(SPECIES, lanes, slot + 4 * LANES);
      FloatVector a02 = FloatVector.fromArray(SPECIES, lanes, slot + 8 * LANES);
      FloatVector a03 = FloatVector.fromArray(SPECIES, lanes, slot + 12 * LANES);
      FloatVector a10 = FloatVector.fromArray(SPECIES, lanes, slot + 1 * LANES);
      FloatVector a11 = FloatVector.fromArray(SPECIES, lanes, slot + 5 * LANES);
      FloatVector a12 = FloatVector.fromArray(SPECIES, lanes, slot + 9 * LANES);
      FloatVector a13 = FloatVector.fromArray(SPECIES, lanes, slot + 13 * LANES);
      for (int k = part; k < length; k += LANES) {
        FloatVector u0 = FloatVector.fromArray(SPECIES, x, x0 + k);
        FloatVector u1 = FloatVector.fromArray(SPECIES, x, x1 + k);
        FloatVector v = FloatVector.fromArray(SPECIES, panel, w0 + k);
        a00 = v.fma(u0, a00);
        a10 = v.fma(u1, a10);
        v = FloatVector.fromArray(SPECIES, panel, w0 + rowStride + k);
        a01 = v.fma(u0, a01);
        a11 = v.fma(u1, a11);
        v = FloatVector.fromArray(SPECIES, panel, w0 + 2 * rowStride + k);
        a02 = v.fma(u0, a02);
        a12 = v.fma(u1, a12);
        v = FloatVector.fromArray(SPECIES, panel, w0 + 3 * rowStride + k);
        a03 = v.fma(u0, a03);
        a13 = v.fma(u1, a13);
      }
      a00.intoArray(lanes, slot);
      a01.intoArray(lanes, slot + 4 * LANES);
      a02.intoArray(lanes, slot + 8 * LANES);
      a03.intoArray(lanes, slot + 12 * LANES);
      a10.intoArray(lanes, slot + 1 * LANES);
      a11.intoArray(lanes, slot + 5 * LANES);
      a12.intoArray(lanes, slot + 9 * LANES);
      a13.intoArray(lanes, slot + 13 * LANES);
    }
  }
}
