package io.expertmesh.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The kernels for many rows, which are bound by arithmetic: a work group of {@value #THREADS} threads computes
 * {@value #OUTPUTS} outputs of {@value #ROWS} rows of one expert, with {@value #DEPTH} inputs at a time in local memory,
 * decoded once; each thread 4 outputs of 4 rows.
 */
final class TileKernel {
  static final int ROWS = 16;
  static final int OUTPUTS = 64;
  static final int THREADS = 64;
  /** Inputs at a time, one block of the block formats. */
  private static final int DEPTH = 32;
  /** From one input to the next in the weights' local array: not a multiple of the memory banks. */
  private static final int PITCH = OUTPUTS + 1;

  private TileKernel() {}

  /**
   * {@code out = in * weights^T + bias} for every tile of the step.
   *
   * @param out (rows, outputs), from {@link StepLayout#OUTPUTS_AT} on
   * @see StreamKernel#multiply
   */
  static void multiply(KernelContext context, FloatArray step, FloatArray in, FloatArray floats, HalfFloatArray halves,
      IntArray words, FloatArray factors, FloatArray out, int format, int inAt, int inputs, int outputs, int stride,
      int scales, int bias) {
    float[] xs = context.allocateFloatLocalArray(DEPTH * ROWS);
    float[] ws = context.allocateFloatLocalArray(DEPTH * PITCH);
    int thread = context.localIdx;
    int groups = (outputs + OUTPUTS - 1) / OUTPUTS;
    int tile = StepLayout.TILES + StepLayout.TILE * (context.groupIdx / groups);
    int firstOutput = context.groupIdx % groups * OUTPUTS;
    int slot = (int) step.get(tile);
    int first = (int) step.get(tile + 1);
    int rows = (int) step.get(tile + 2);
    int tx = thread % 16;
    int ty = thread / 16 * 4;
    float a0 = 0f;
    float a1 = 0f;
    float a2 = 0f;
    float a3 = 0f;
    float b0 = 0f;
    float b1 = 0f;
    float b2 = 0f;
    float b3 = 0f;
    float c0 = 0f;
    float c1 = 0f;
    float c2 = 0f;
    float c3 = 0f;
    float d0 = 0f;
    float d1 = 0f;
    float d2 = 0f;
    float d3 = 0f;
    for (int base = 0; base < inputs; base += DEPTH) {
      for (int i = thread; i < ROWS * DEPTH; i += THREADS) {
        int k = i % DEPTH;
        int r = i / DEPTH;
        if (r < rows && base + k < inputs) {
          xs[k * ROWS + r] = in.get(inAt + (first + r) * inputs + base + k);
        } else {
          xs[k * ROWS + r] = 0f;
        }
      }
      if (format <= Formats.F16) {
        for (int i = thread; i < OUTPUTS * DEPTH; i += THREADS) {
          int k = i % DEPTH;
          int o = i / DEPTH;
          if (firstOutput + o < outputs && base + k < inputs) {
            int at = (slot * outputs + firstOutput + o) * inputs + base + k;
            ws[k * PITCH + o] = format == Formats.F32 ? floats.get(at) : halves.get(at).getFloat32();
          } else {
            ws[k * PITCH + o] = 0f;
          }
        }
      } else if (format == Formats.Q8) {
        for (int i = thread; i < OUTPUTS * DEPTH / 4; i += THREADS) {
          int k = i % 8;
          int o = i / 8;
          int rowOfSlot = Math.min(firstOutput + o, outputs - 1);
          int row = slot * outputs + rowOfSlot;
          int word = words.get(row * (inputs / 4) + base / 4 + k);
          float scale = factors.get(slot * stride + scales + rowOfSlot * (inputs / 32) + base / 32);
          int at = 4 * k * PITCH + o;
          ws[at] = scale * Formats.signedByte(word, 0);
          ws[at + PITCH] = scale * Formats.signedByte(word, 1);
          ws[at + 2 * PITCH] = scale * Formats.signedByte(word, 2);
          ws[at + 3 * PITCH] = scale * Formats.signedByte(word, 3);
        }
      } else {
        for (int i = thread; i < OUTPUTS * DEPTH / 8; i += THREADS) {
          int k = i % 4;
          int o = i / 4;
          int rowOfSlot = Math.min(firstOutput + o, outputs - 1);
          int row = slot * outputs + rowOfSlot;
          int word = words.get(row * (inputs / 8) + base / 8 + k);
          float scale = factors.get(slot * stride + scales + rowOfSlot * (inputs / 32) + base / 32);
          int at = 4 * k * PITCH + o;
          for (int j = 0; j < 4; j++) {
            ws[at + j * PITCH] = scale * Formats.nibble(format, word, 8 * j);
            ws[at + (j + 16) * PITCH] = scale * Formats.nibble(format, word, 8 * j + 4);
          }
        }
      }
      context.localBarrier();
      for (int k = 0; k < DEPTH; k++) {
        int w = k * PITCH + tx;
        int x = k * ROWS + ty;
        float w0 = ws[w];
        float w1 = ws[w + 16];
        float w2 = ws[w + 32];
        float w3 = ws[w + 48];
        float xa = xs[x];
        float xb = xs[x + 1];
        float xc = xs[x + 2];
        float xd = xs[x + 3];
        a0 += xa * w0;
        a1 += xa * w1;
        a2 += xa * w2;
        a3 += xa * w3;
        b0 += xb * w0;
        b1 += xb * w1;
        b2 += xb * w2;
        b3 += xb * w3;
        c0 += xc * w0;
        c1 += xc * w1;
        c2 += xc * w2;
        c3 += xc * w3;
        d0 += xd * w0;
        d1 += xd * w1;
        d2 += xd * w2;
        d3 += xd * w3;
      }
      context.localBarrier();
    }
    if (context.globalIdx == 0) {
      out.set(StepLayout.STAMP, in.get(StepLayout.STAMP));
    }
    int row = first + ty;
    int left = rows - ty;
    int o = firstOutput + tx;
    int factor = slot * stride;
    store(factors, out, format, left, row, factor, o, outputs, a0, b0, c0, d0, scales, bias);
    store(factors, out, format, left, row, factor, o + 16, outputs, a1, b1, c1, d1, scales, bias);
    store(factors, out, format, left, row, factor, o + 32, outputs, a2, b2, c2, d2, scales, bias);
    store(factors, out, format, left, row, factor, o + 48, outputs, a3, b3, c3, d3, scales, bias);
  }

  /** Output {@code o} of up to 4 rows from {@code row} on. */
  private static void store(FloatArray factors, FloatArray out, int format, int left, int row, int factor, int o,
      int outputs, float a, float b, float c, float d, int scales, int bias) {
    if (o < outputs && left > 0) {
      float scale = format == Formats.F16 ? factors.get(factor + scales + o) : 1f;
      float added = bias >= 0 ? factors.get(factor + bias + o) : 0f;
      int at = StepLayout.OUTPUTS_AT + row * outputs + o;
      out.set(at, a * scale + added);
      if (left > 1) {
        out.set(at + outputs, b * scale + added);
      }
      if (left > 2) {
        out.set(at + 2 * outputs, c * scale + added);
      }
      if (left > 3) {
        out.set(at + 3 * outputs, d * scale + added);
      }
    }
  }

  /**
   * The activation after the first matrix.
   *
   * @param in (rows, parts * size): up, the gate, the second half of the gate; from {@link StepLayout#OUTPUTS_AT} on
   * @param out (rows, size), likewise
   */
  static void activate(KernelContext context, FloatArray step, FloatArray in, FloatArray out, int size, int parts,
      int activation, float alpha, float limit) {
    int i = context.globalIdx;
    if (i == 0) {
      out.set(StepLayout.STAMP, in.get(StepLayout.STAMP));
    }
    int rows = (int) step.get(StepLayout.ROWS);
    if (i < rows * size) {
      int at = StepLayout.OUTPUTS_AT + i / size * parts * size + i % size;
      float g = parts > 1 ? in.get(at + size) : 0f;
      float g2 = parts > 2 ? in.get(at + 2 * size) : 0f;
      out.set(StepLayout.OUTPUTS_AT + i, Activations.apply(activation, in.get(at), g, g2, alpha, limit));
    }
  }
}
