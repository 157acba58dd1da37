package io.expertmesh.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The kernel for many rows on tensor cores, which multiply halves and add in f32.
 *
 * <p>A row of inputs goes through them as two halves, {@code x = unit * (high + low)}, with a power of two as the row's
 * unit: 23 bits of the largest one, so that results are as good as those of the other kernels. Weights that are no halves
 * go through them as two halves as well.
 *
 * <p>{@value #CHUNK} rows of one expert are a chunk, and lie beside each other for each input; a tile has 2 or 8 chunks. A
 * work group computes {@link #outputs} outputs of a tile, each warp 32 of them, with some inputs at a time in local
 * memory: the next ones arrive while it multiplies. With 2 chunks those are 64 inputs of 128 outputs, since reading the
 * weights takes the time; with 8 chunks 32 inputs of 256 outputs, since bringing the rows takes as much.
 *
 * <p>TornadoVM 5.2.0 wants the sums in variables that one loop carries, hence no arrays and no inner loops; and it
 * compiles a half that was just made wrongly where it is read again.
 */
final class TensorKernel {
  /** Rows of a chunk, the columns of a tensor core's product. */
  static final int CHUNK = 8;
  /** Sums are padded to whole work groups of this many outputs. */
  static final int OUTPUTS = 256;
  /** Inputs come in multiples of it. */
  static final int DEPTH = 64;
  /** Words of a 16 x 16 matrix of halves. */
  private static final int MATRIX = 128;
  private static final int WORD = 4;
  /** Words of local memory, all that there is. */
  private static final int LOCAL = 12288;
  /** A sum with it has no bits below 2. */
  private static final float MULTIPLES_OF_2 = 3 << 23;

  private TensorKernel() {}

  /**
   * Of a value of up to 4096 the multiple of 2, which is a half; what is left is at most 1. No product is in it that a
   * compiler could fuse with a sum.
   */
  static float high(float value) {
    return value + MULTIPLES_OF_2 - MULTIPLES_OF_2;
  }

  /**
   * {@code out = weights * in} for every tile of the step, before units and biases.
   *
   * @param in as {@link TensorRows#pack} makes it
   * @param units of the rows: only for the step's stamp
   * @param halves the weights if {@code format} is F16
   * @param words the weights otherwise
   * @param out (chunks, outputs padded to {@value #OUTPUTS}, {@value #CHUNK}), from {@link StepLayout#OUTPUTS_AT} on
   * @param chunks of a tile, 2 or 8
   * @param rowFactors what a row's weights are multiplied with before they become halves, if they are no halves
   */
  static void multiply(KernelContext context, FloatArray step, HalfFloatArray in, FloatArray units,
      HalfFloatArray halves, IntArray words, FloatArray factors, FloatArray out, int format, int chunks, int low,
      int inputs, int outputs, int stride, int scales, int rowFactors) {
    // Weights: for F16 two stages, for others high and low parts. Then inputs: two stages of high and low parts.
    int[] local = context.allocateIntLocalArray(LOCAL);
    int depth = chunks == 2 ? DEPTH : DEPTH / 2;
    int threads = outputs(chunks);
    int weights = threads * depth / 2;
    int ofChunk = CHUNK * depth / 2;
    int steps = depth / 16;
    int thread = context.localIdx;
    int tiles = (int) step.get(StepLayout.TILE_COUNT);
    int tile = StepLayout.TILES + StepLayout.TILE * (context.groupIdx % tiles);
    int firstOutput = context.groupIdx / tiles * outputs(chunks);
    int slot = (int) step.get(tile);
    int rows = (int) step.get(tile + 2);
    int firstChunk = (int) step.get(tile + 3);
    // A thread brings words of as many chunks as fit beside each other.
    int xFrom = (firstChunk + thread / ofChunk) * inputs * CHUNK + 2 * (thread % ofChunk);
    for (int i = 0; i < chunks * ofChunk / threads; i++) {
      int from = xFrom + i * threads / ofChunk * inputs * CHUNK + 2 * (i * threads % ofChunk);
      context.asyncCopyToLocal(local, 2 * weights + i * threads + thread, in, from);
      context.asyncCopyToLocal(local, 2 * weights + chunks * ofChunk + i * threads + thread, in, from + low);
    }
    // 8 threads bring 16 weights of a row: a matrix for 128 threads.
    int firstRow = slot * outputs + firstOutput;
    int lastRow = slot * outputs + outputs - 1;
    int ownRow = firstRow + thread % MATRIX / 8;
    int ownInput = thread / MATRIX * 16 + thread % 8 * 2;
    if (format == Formats.F16) {
      for (int i = 0; i < weights / threads; i++) {
        int matrix = i * threads / MATRIX;
        context.asyncCopyToLocal(local, i * threads + thread, halves,
            row(ownRow + matrix / steps * 16, lastRow, outputs) * inputs + ownInput + matrix % steps * 16);
      }
    }
    context.asyncCopyCommit();
    float[] a0 = context.mmaFragment(0f);
    float[] a1 = context.mmaFragment(0f);
    float[] a2 = context.mmaFragment(0f);
    float[] a3 = context.mmaFragment(0f);
    float[] a4 = context.mmaFragment(0f);
    float[] a5 = context.mmaFragment(0f);
    float[] a6 = context.mmaFragment(0f);
    float[] a7 = context.mmaFragment(0f);
    float[] b0 = context.mmaFragment(0f);
    float[] b1 = context.mmaFragment(0f);
    float[] b2 = context.mmaFragment(0f);
    float[] b3 = context.mmaFragment(0f);
    float[] b4 = context.mmaFragment(0f);
    float[] b5 = context.mmaFragment(0f);
    float[] b6 = context.mmaFragment(0f);
    float[] b7 = context.mmaFragment(0f);
    for (int k = 0; k < inputs; k += 16) {
      int stage = k / depth % 2;
      if (k % depth == 0) {
        int next = Math.min(k + depth, inputs - depth);
        context.localBarrier();
        int xTo = 2 * weights + (1 - stage) * 2 * chunks * ofChunk + thread;
        for (int i = 0; i < chunks * ofChunk / threads; i++) {
          int from = xFrom + next * CHUNK + i * threads / ofChunk * inputs * CHUNK + 2 * (i * threads % ofChunk);
          context.asyncCopyToLocal(local, xTo + i * threads, in, from);
          context.asyncCopyToLocal(local, xTo + chunks * ofChunk + i * threads, in, from + low);
        }
        if (format == Formats.F16) {
          for (int i = 0; i < weights / threads; i++) {
            int matrix = i * threads / MATRIX;
            context.asyncCopyToLocal(local, (1 - stage) * weights + i * threads + thread, halves,
                row(ownRow + matrix / steps * 16, lastRow, outputs) * inputs + next + ownInput + matrix % steps * 16);
          }
        } else if (format == Formats.Q8) {
          // 4 threads decode the words of a row, and every thread those of some rows on.
          for (int i = 0; i < 4; i++) {
            int row = row(firstRow + thread / 4 + i * threads / 4, lastRow, outputs);
            int from = row * (inputs / 4) + k / 4 + thread % 4;
            int word0 = words.get(from);
            int word1 = words.get(from + 4);
            int word2 = chunks == 2 ? words.get(from + 8) : 0;
            int word3 = chunks == 2 ? words.get(from + 12) : 0;
            int rowOfSlot = row - slot * outputs;
            int ofRow = slot * stride + scales + rowOfSlot * (inputs / 32) + k / 32;
            float factor = factors.get(slot * stride + rowFactors + rowOfSlot);
            float scale0 = factor * factors.get(ofRow);
            float scale1 = chunks == 2 ? factor * factors.get(ofRow + 1) : 0f;
            int to = (i * threads / 64 + thread / 64) * steps * MATRIX + thread / 4 % 16 * 8 + thread % 4 * 2;
            local[to] = highBytes(word0, 0, scale0);
            local[to + 1] = highBytes(word0, 2, scale0);
            local[to + weights] = lowBytes(word0, 0, scale0);
            local[to + weights + 1] = lowBytes(word0, 2, scale0);
            local[to + MATRIX] = highBytes(word1, 0, scale0);
            local[to + MATRIX + 1] = highBytes(word1, 2, scale0);
            local[to + MATRIX + weights] = lowBytes(word1, 0, scale0);
            local[to + MATRIX + weights + 1] = lowBytes(word1, 2, scale0);
            if (chunks == 2) {
              local[to + 2 * MATRIX] = highBytes(word2, 0, scale1);
              local[to + 2 * MATRIX + 1] = highBytes(word2, 2, scale1);
              local[to + 2 * MATRIX + weights] = lowBytes(word2, 0, scale1);
              local[to + 2 * MATRIX + weights + 1] = lowBytes(word2, 2, scale1);
              local[to + 3 * MATRIX] = highBytes(word3, 0, scale1);
              local[to + 3 * MATRIX + 1] = highBytes(word3, 2, scale1);
              local[to + 3 * MATRIX + weights] = lowBytes(word3, 0, scale1);
              local[to + 3 * MATRIX + weights + 1] = lowBytes(word3, 2, scale1);
            }
          }
        } else {
          // 4 threads decode the words of a block of a row, and every thread those of some rows on.
          for (int i = 0; i < 4; i++) {
            int row = row(firstRow + thread / 4 + i * threads / 4, lastRow, outputs);
            int from = row * (inputs / 8) + k / 8 + thread % 4;
            int word0 = words.get(from);
            int word1 = chunks == 2 ? words.get(from + 4) : 0;
            int rowOfSlot = row - slot * outputs;
            int ofRow = slot * stride + scales + rowOfSlot * (inputs / 32) + k / 32;
            float factor = factors.get(slot * stride + rowFactors + rowOfSlot);
            float scale0 = factor * factors.get(ofRow);
            float scale1 = chunks == 2 ? factor * factors.get(ofRow + 1) : 0f;
            int to = (i * threads / 64 + thread / 64) * steps * MATRIX + thread / 4 % 16 * 8 + thread % 4 * 2;
            local[to] = highNibbles(format, word0, 0, scale0);
            local[to + 1] = highNibbles(format, word0, 16, scale0);
            local[to + weights] = lowNibbles(format, word0, 0, scale0);
            local[to + weights + 1] = lowNibbles(format, word0, 16, scale0);
            local[to + MATRIX] = highNibbles(format, word0, 4, scale0);
            local[to + MATRIX + 1] = highNibbles(format, word0, 20, scale0);
            local[to + MATRIX + weights] = lowNibbles(format, word0, 4, scale0);
            local[to + MATRIX + weights + 1] = lowNibbles(format, word0, 20, scale0);
            if (chunks == 2) {
              local[to + 2 * MATRIX] = highNibbles(format, word1, 0, scale1);
              local[to + 2 * MATRIX + 1] = highNibbles(format, word1, 16, scale1);
              local[to + 2 * MATRIX + weights] = lowNibbles(format, word1, 0, scale1);
              local[to + 2 * MATRIX + weights + 1] = lowNibbles(format, word1, 16, scale1);
              local[to + 3 * MATRIX] = highNibbles(format, word1, 4, scale1);
              local[to + 3 * MATRIX + 1] = highNibbles(format, word1, 20, scale1);
              local[to + 3 * MATRIX + weights] = lowNibbles(format, word1, 4, scale1);
              local[to + 3 * MATRIX + weights + 1] = lowNibbles(format, word1, 20, scale1);
            }
          }
        }
        context.asyncCopyCommit();
        context.asyncCopyWaitGroup(1);
        context.localBarrier();
      }
      int ofDepth = k / 16 % steps;
      int at = WORD * ((format == Formats.F16 ? stage * weights : 0) + (thread / 32 * 2 * steps + ofDepth) * MATRIX);
      int x = WORD * (2 * weights + stage * 2 * chunks * ofChunk + ofDepth * 16 * CHUNK / 2);
      int xLow = x + WORD * chunks * ofChunk;
      HalfFloat[] wa = context.mmaLoadA(local, 16, at);
      HalfFloat[] wb = context.mmaLoadA(local, 16, at + WORD * steps * MATRIX);
      HalfFloat[] la = format == Formats.F16 ? wa : context.mmaLoadA(local, 16, at + WORD * weights);
      HalfFloat[] lb = format == Formats.F16
          ? wb
          : context.mmaLoadA(local, 16, at + WORD * (weights + steps * MATRIX));
      HalfFloat[] x0 = context.mmaLoadB(local, 16, x);
      HalfFloat[] l0 = context.mmaLoadB(local, 16, xLow);
      a0 = product(context, wa, la, x0, l0, a0, format);
      b0 = product(context, wb, lb, x0, l0, b0, format);
      HalfFloat[] x1 = context.mmaLoadB(local, 16, x + WORD * ofChunk);
      HalfFloat[] l1 = context.mmaLoadB(local, 16, xLow + WORD * ofChunk);
      a1 = product(context, wa, la, x1, l1, a1, format);
      b1 = product(context, wb, lb, x1, l1, b1, format);
      if (chunks == 8) {
        HalfFloat[] x2 = context.mmaLoadB(local, 16, x + WORD * 2 * ofChunk);
        HalfFloat[] l2 = context.mmaLoadB(local, 16, xLow + WORD * 2 * ofChunk);
        a2 = product(context, wa, la, x2, l2, a2, format);
        b2 = product(context, wb, lb, x2, l2, b2, format);
        HalfFloat[] x3 = context.mmaLoadB(local, 16, x + WORD * 3 * ofChunk);
        HalfFloat[] l3 = context.mmaLoadB(local, 16, xLow + WORD * 3 * ofChunk);
        a3 = product(context, wa, la, x3, l3, a3, format);
        b3 = product(context, wb, lb, x3, l3, b3, format);
        HalfFloat[] x4 = context.mmaLoadB(local, 16, x + WORD * 4 * ofChunk);
        HalfFloat[] l4 = context.mmaLoadB(local, 16, xLow + WORD * 4 * ofChunk);
        a4 = product(context, wa, la, x4, l4, a4, format);
        b4 = product(context, wb, lb, x4, l4, b4, format);
        HalfFloat[] x5 = context.mmaLoadB(local, 16, x + WORD * 5 * ofChunk);
        HalfFloat[] l5 = context.mmaLoadB(local, 16, xLow + WORD * 5 * ofChunk);
        a5 = product(context, wa, la, x5, l5, a5, format);
        b5 = product(context, wb, lb, x5, l5, b5, format);
        HalfFloat[] x6 = context.mmaLoadB(local, 16, x + WORD * 6 * ofChunk);
        HalfFloat[] l6 = context.mmaLoadB(local, 16, xLow + WORD * 6 * ofChunk);
        a6 = product(context, wa, la, x6, l6, a6, format);
        b6 = product(context, wb, lb, x6, l6, b6, format);
        HalfFloat[] x7 = context.mmaLoadB(local, 16, x + WORD * 7 * ofChunk);
        HalfFloat[] l7 = context.mmaLoadB(local, 16, xLow + WORD * 7 * ofChunk);
        a7 = product(context, wa, la, x7, l7, a7, format);
        b7 = product(context, wb, lb, x7, l7, b7, format);
      }
    }
    if (context.globalIdx == 0) {
      out.set(StepLayout.STAMP, units.get(StepLayout.STAMP));
    }
    int padded = (outputs + OUTPUTS - 1) / OUTPUTS * OUTPUTS;
    int to = StepLayout.OUTPUTS_AT / CHUNK + firstChunk * padded + firstOutput + thread / 32 * 32;
    context.mmaStore(a0, out, to, 0, CHUNK);
    context.mmaStore(b0, out, to + 16, 0, CHUNK);
    if (rows > CHUNK) {
      context.mmaStore(a1, out, to + padded, 0, CHUNK);
      context.mmaStore(b1, out, to + padded + 16, 0, CHUNK);
    }
    if (chunks == 8) {
      if (rows > 2 * CHUNK) {
        context.mmaStore(a2, out, to + 2 * padded, 0, CHUNK);
        context.mmaStore(b2, out, to + 2 * padded + 16, 0, CHUNK);
      }
      if (rows > 3 * CHUNK) {
        context.mmaStore(a3, out, to + 3 * padded, 0, CHUNK);
        context.mmaStore(b3, out, to + 3 * padded + 16, 0, CHUNK);
      }
      if (rows > 4 * CHUNK) {
        context.mmaStore(a4, out, to + 4 * padded, 0, CHUNK);
        context.mmaStore(b4, out, to + 4 * padded + 16, 0, CHUNK);
      }
      if (rows > 5 * CHUNK) {
        context.mmaStore(a5, out, to + 5 * padded, 0, CHUNK);
        context.mmaStore(b5, out, to + 5 * padded + 16, 0, CHUNK);
      }
      if (rows > 6 * CHUNK) {
        context.mmaStore(a6, out, to + 6 * padded, 0, CHUNK);
        context.mmaStore(b6, out, to + 6 * padded + 16, 0, CHUNK);
      }
      if (rows > 7 * CHUNK) {
        context.mmaStore(a7, out, to + 7 * padded, 0, CHUNK);
        context.mmaStore(b7, out, to + 7 * padded + 16, 0, CHUNK);
      }
    }
  }

  /** Outputs, and threads, of a work group for tiles of {@code chunks} chunks. */
  static int outputs(int chunks) {
    return chunks == 2 ? OUTPUTS / 2 : OUTPUTS;
  }

  /** A 16 x {@value #CHUNK} matrix of sums with the products of weights and inputs added; of both halves' low parts none. */
  private static float[] product(KernelContext context, HalfFloat[] high, HalfFloat[] low, HalfFloat[] inHigh,
      HalfFloat[] inLow, float[] sums, int format) {
    float[] first = context.mma(high, inHigh, sums, MMAShape.M16N8K16);
    float[] second = context.mma(high, inLow, first, MMAShape.M16N8K16);
    return format == Formats.F16 ? second : context.mma(low, inHigh, second, MMAShape.M16N8K16);
  }

  /** A row of weights, or the expert's last one: there is none to check where the work groups come out even. */
  private static int row(int row, int last, int outputs) {
    return outputs % OUTPUTS == 0 ? row : Math.min(row, last);
  }

  /** The high parts of bytes {@code i} and {@code i + 1}. */
  private static int highBytes(int word, int i, float scale) {
    return pair(high(scale * Formats.signedByte(word, i)), high(scale * Formats.signedByte(word, i + 1)));
  }

  private static int lowBytes(int word, int i, float scale) {
    float first = scale * Formats.signedByte(word, i);
    float second = scale * Formats.signedByte(word, i + 1);
    return pair(first - high(first), second - high(second));
  }

  /** The high parts of the nibbles from bits {@code shift} and {@code shift + 8} on. */
  private static int highNibbles(int format, int word, int shift, float scale) {
    return pair(high(scale * Formats.nibble(format, word, shift)),
        high(scale * Formats.nibble(format, word, shift + 8)));
  }

  private static int lowNibbles(int format, int word, int shift, float scale) {
    float first = scale * Formats.nibble(format, word, shift);
    float second = scale * Formats.nibble(format, word, shift + 8);
    return pair(first - high(first), second - high(second));
  }

  /** Two halves in a word. */
  private static int pair(float first, float second) {
    int low = new HalfFloat(first).getHalfFloatValue() & 0xFFFF;
    int high = new HalfFloat(second).getHalfFloatValue() << 16;
    return low | high;
  }
}
