package io.expertmesh.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The kernel for few rows, which is bound by reading the weights.
 *
 * <p>{@value #LANES} threads beside each other read a weight row together, for up to {@value #TILE_ROWS} token rows of
 * its expert at once, and add up their parts in local memory. A work group of {@value #THREADS} threads computes
 * {@link #outputs} outputs of one tile of rows: one for each {@value #LANES} threads, or {@value #TILE_ROWS} where weights
 * have to be decoded; of a single token row those all at once, so that they share what they read of it.
 *
 * <p>TornadoVM 5.2.0 knows local arrays only in the method that allocates them, and compiles a value wrongly that both
 * branches of an {@code if} assign where a branch has a loop. So this is one long method, and branches store what they
 * computed. Numbers become constants of the compiled code: what is not of its format falls away.
 */
final class StreamKernel {
  static final int LANES = 32;
  static final int THREADS = 128;
  static final int TILE_ROWS = 4;
  /** Sums in local memory: of up to 3 parts, each for a tile of rows. */
  private static final int SUMS = 3 * TILE_ROWS * THREADS;
  private static final int PART = TILE_ROWS * THREADS;

  private StreamKernel() {}

  /** Outputs of a work group. */
  static int outputs(int format) {
    return THREADS / LANES * outputsOfLane(format);
  }

  private static int outputsOfLane(int format) {
    return format <= Formats.F16 ? 1 : TILE_ROWS;
  }

  /**
   * {@code out = activation(in * weights^T + bias)} for every tile of the step.
   *
   * @param step see {@link StepLayout}
   * @param in the rows from {@code inAt} on, {@code inputs} each; the step itself for the first matrix
   * @param floats the weights if {@code format} is F32
   * @param halves the weights if it is F16
   * @param words the weights otherwise
   * @param factors {@code stride} for each slot: scales from {@code scales} on, biases from {@code bias} on, -1 without
   * @param out (rows, outputs), from {@link StepLayout#OUTPUTS_AT} on
   * @param parts weight rows for each output: up, the gate, the second half of the gate
   * @param activation see {@link Activations}
   */
  static void multiply(KernelContext context, FloatArray step, FloatArray in, FloatArray floats, HalfFloatArray halves,
      IntArray words, FloatArray factors, FloatArray out, int format, int inAt, int inputs, int outputs, int parts,
      int activation, float alpha, float limit, int stride, int scales, int bias) {
    float[] sums = context.allocateFloatLocalArray(SUMS);
    int thread = context.localIdx;
    int lane = thread % LANES;
    int groups = (outputs + outputs(format) - 1) / outputs(format);
    int tile = StepLayout.TILES + StepLayout.TILE * (context.groupIdx / groups);
    int firstOutput = context.groupIdx % groups * outputs(format) + thread / LANES * outputsOfLane(format);
    int slot = (int) step.get(tile);
    int first = (int) step.get(tile + 1);
    int rows = (int) step.get(tile + 2);
    int x = inAt + first * inputs;
    int x1 = x + Math.min(1, rows - 1) * inputs;
    int x2 = x + Math.min(2, rows - 1) * inputs;
    int x3 = x + (rows - 1) * inputs;
    int passes = rows > 1 ? outputsOfLane(format) : 1;
    for (int pass = 0; pass < passes; pass++) {
      for (int part = 0; part < parts; part++) {
        int rowOfSlot = part * outputs + Math.min(firstOutput + pass, outputs - 1);
        int row = slot * parts * outputs + rowOfSlot;
        int sum = part * PART + thread;
        if (format <= Formats.F16) {
          int w = row * inputs;
          if (rows == 1) {
            float a = 0f;
            for (int k = lane; k < inputs; k += LANES) {
              a += (format == Formats.F32 ? floats.get(w + k) : halves.get(w + k).getFloat32()) * in.get(x + k);
            }
            sums[sum] = a;
          } else {
            float a = 0f;
            float b = 0f;
            float c = 0f;
            float d = 0f;
            for (int k = lane; k < inputs; k += LANES) {
              float weight = format == Formats.F32 ? floats.get(w + k) : halves.get(w + k).getFloat32();
              a += weight * in.get(x + k);
              b += weight * in.get(x1 + k);
              c += weight * in.get(x2 + k);
              d += weight * in.get(x3 + k);
            }
            sums[sum] = a;
            sums[sum + THREADS] = b;
            sums[sum + 2 * THREADS] = c;
            sums[sum + 3 * THREADS] = d;
          }
        } else if (rows == 1) {
          int wordsOfRow = format == Formats.Q8 ? inputs / 4 : inputs / 8;
          int step1 = Math.min(1, outputs - 1 - Math.min(firstOutput, outputs - 1));
          int step2 = Math.min(2, outputs - 1 - Math.min(firstOutput, outputs - 1));
          int step3 = Math.min(3, outputs - 1 - Math.min(firstOutput, outputs - 1));
          int w = row * wordsOfRow;
          int s = slot * stride + scales + rowOfSlot * (inputs / 32);
          float a = 0f;
          float b = 0f;
          float c = 0f;
          float d = 0f;
          if (format == Formats.Q8) {
            for (int i = lane; i < wordsOfRow; i += LANES) {
              int k = x + 4 * i;
              float v0 = in.get(k);
              float v1 = in.get(k + 1);
              float v2 = in.get(k + 2);
              float v3 = in.get(k + 3);
              int block = s + i / 8;
              a += factors.get(block) * bytes(words.get(w + i), v0, v1, v2, v3);
              b += factors.get(block + step1 * (inputs / 32))
                  * bytes(words.get(w + i + step1 * wordsOfRow), v0, v1, v2, v3);
              c += factors.get(block + step2 * (inputs / 32))
                  * bytes(words.get(w + i + step2 * wordsOfRow), v0, v1, v2, v3);
              d += factors.get(block + step3 * (inputs / 32))
                  * bytes(words.get(w + i + step3 * wordsOfRow), v0, v1, v2, v3);
            }
          } else {
            for (int i = lane; i < wordsOfRow; i += LANES) {
              int k = x + i / 4 * 32 + i % 4 * 4;
              float v0 = in.get(k);
              float v1 = in.get(k + 1);
              float v2 = in.get(k + 2);
              float v3 = in.get(k + 3);
              float u0 = in.get(k + 16);
              float u1 = in.get(k + 17);
              float u2 = in.get(k + 18);
              float u3 = in.get(k + 19);
              int block = s + i / 4;
              a += factors.get(block) * nibbles(format, words.get(w + i), v0, v1, v2, v3, u0, u1, u2, u3);
              b += factors.get(block + step1 * (inputs / 32))
                  * nibbles(format, words.get(w + i + step1 * wordsOfRow), v0, v1, v2, v3, u0, u1, u2, u3);
              c += factors.get(block + step2 * (inputs / 32))
                  * nibbles(format, words.get(w + i + step2 * wordsOfRow), v0, v1, v2, v3, u0, u1, u2, u3);
              d += factors.get(block + step3 * (inputs / 32))
                  * nibbles(format, words.get(w + i + step3 * wordsOfRow), v0, v1, v2, v3, u0, u1, u2, u3);
            }
          }
          sums[sum] = a;
          sums[sum + THREADS] = b;
          sums[sum + 2 * THREADS] = c;
          sums[sum + 3 * THREADS] = d;
        } else if (format == Formats.Q8) {
          int w = row * (inputs / 4);
          int s = slot * stride + scales + rowOfSlot * (inputs / 32);
          float a = 0f;
          float b = 0f;
          float c = 0f;
          float d = 0f;
          for (int i = lane; i < inputs / 4; i += LANES) {
            int word = words.get(w + i);
            float scale = factors.get(s + i / 8);
            for (int j = 0; j < 4; j++) {
              float weight = scale * ((word << (24 - 8 * j)) >> 24);
              int k = 4 * i + j;
              a += weight * in.get(x + k);
              b += weight * in.get(x1 + k);
              c += weight * in.get(x2 + k);
              d += weight * in.get(x3 + k);
            }
          }
          sums[sum] = a;
          sums[sum + THREADS] = b;
          sums[sum + 2 * THREADS] = c;
          sums[sum + 3 * THREADS] = d;
        } else {
          int w = row * (inputs / 8);
          int s = slot * stride + scales + rowOfSlot * (inputs / 32);
          float a = 0f;
          float b = 0f;
          float c = 0f;
          float d = 0f;
          for (int i = lane; i < inputs / 8; i += LANES) {
            int word = words.get(w + i);
            float scale = factors.get(s + i / 4);
            int k = i / 4 * 32 + i % 4 * 4;
            for (int j = 0; j < 4; j++) {
              float low = scale * Formats.nibble(format, word, 8 * j);
              float high = scale * Formats.nibble(format, word, 8 * j + 4);
              int at = k + j;
              a += low * in.get(x + at) + high * in.get(x + at + 16);
              b += low * in.get(x1 + at) + high * in.get(x1 + at + 16);
              c += low * in.get(x2 + at) + high * in.get(x2 + at + 16);
              d += low * in.get(x3 + at) + high * in.get(x3 + at + 16);
            }
          }
          sums[sum] = a;
          sums[sum + THREADS] = b;
          sums[sum + 2 * THREADS] = c;
          sums[sum + 3 * THREADS] = d;
        }
      }
      int used = rows == 1 ? outputsOfLane(format) : rows;
      for (int width = LANES / 2; width > 0; width = width / 2) {
        context.localBarrier();
        if (lane < width) {
          for (int part = 0; part < parts; part++) {
            for (int r = 0; r < used; r++) {
              int at = part * PART + r * THREADS + thread;
              sums[at] += sums[at + width];
            }
          }
        }
      }
      context.localBarrier();
      int output = firstOutput + (rows == 1 ? lane : pass);
      if (output < outputs && lane < used) {
        int at = lane * THREADS + thread - lane;
        int factor = slot * stride + output;
        float u = sums[at];
        float g = parts > 1 ? sums[at + PART] : 0f;
        float g2 = parts > 2 ? sums[at + 2 * PART] : 0f;
        if (format == Formats.F16) {
          u *= factors.get(factor + scales);
          g *= parts > 1 ? factors.get(factor + scales + outputs) : 0f;
          g2 *= parts > 2 ? factors.get(factor + scales + 2 * outputs) : 0f;
        }
        if (bias >= 0) {
          u += factors.get(factor + bias);
          g += parts > 1 ? factors.get(factor + bias + outputs) : 0f;
          g2 += parts > 2 ? factors.get(factor + bias + 2 * outputs) : 0f;
        }
        int rowOfTile = rows == 1 ? 0 : lane;
        out.set(StepLayout.OUTPUTS_AT + (first + rowOfTile) * outputs + output,
            Activations.apply(activation, u, g, g2, alpha, limit));
      }
      context.localBarrier();
    }
    if (context.globalIdx == 0) {
      out.set(StepLayout.STAMP, in.get(StepLayout.STAMP));
    }
  }

  /** The bytes of a word times 4 values. */
  private static float bytes(int word, float v0, float v1, float v2, float v3) {
    return Formats.signedByte(word, 0) * v0 + Formats.signedByte(word, 1) * v1 + Formats.signedByte(word, 2) * v2
        + Formats.signedByte(word, 3) * v3;
  }

  /** The low nibbles of a word's bytes times 4 values, and the high ones times 4 others. */
  private static float nibbles(int format, int word, float v0, float v1, float v2, float v3, float u0, float u1,
      float u2, float u3) {
    return Formats.nibble(format, word, 0) * v0 + Formats.nibble(format, word, 8) * v1
        + Formats.nibble(format, word, 16) * v2 + Formats.nibble(format, word, 24) * v3
        + Formats.nibble(format, word, 4) * u0 + Formats.nibble(format, word, 12) * u1
        + Formats.nibble(format, word, 20) * u2 + Formats.nibble(format, word, 28) * u3;
  }
}
