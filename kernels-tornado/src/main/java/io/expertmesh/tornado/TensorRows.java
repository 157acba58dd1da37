package io.expertmesh.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/**
 * The kernels before, between and after the two products of {@link TensorKernel}: they make its inputs of rows, and rows
 * of its sums. A work group of {@value #THREADS} threads has one for each row of a chunk and {@value #LANES} inputs.
 */
final class TensorRows {
  static final int THREADS = 1024;
  static final int LANES = THREADS / TensorKernel.CHUNK;
  private static final int CHUNK = TensorKernel.CHUNK;
  private static final int OUTPUTS = TensorKernel.OUTPUTS;

  private TensorRows() {}

  /**
   * Rows of f32 as halves.
   *
   * @param to (2, chunks, inputs, {@value #CHUNK}): high, and from {@code low} on low
   * @param units of the rows, from {@link StepLayout#OUTPUTS_AT} on
   * @param chunks of a tile
   */
  static void pack(KernelContext context, FloatArray step, HalfFloatArray to, FloatArray units, int chunks, int low,
      int inAt, int inputs) {
    float[] largest = context.allocateFloatLocalArray(THREADS);
    int thread = context.localIdx;
    int r = thread % CHUNK;
    int lane = thread / CHUNK;
    int tile = StepLayout.TILES + StepLayout.TILE * (context.groupIdx / chunks);
    int rows = (int) step.get(tile + 2);
    int c = Math.min(context.groupIdx % chunks, (rows - 1) / CHUNK);
    int chunk = (int) step.get(tile + 3) + c;
    int from = inAt + ((int) step.get(tile + 1) + Math.min(c * CHUNK + r, rows - 1)) * inputs;
    float most = 0f;
    for (int k = lane; k < inputs; k += LANES) {
      most = TornadoMath.max(most, TornadoMath.abs(step.get(from + k)));
    }
    largest[thread] = most;
    for (int width = LANES / 2; width > 0; width = width / 2) {
      context.localBarrier();
      if (lane < width) {
        largest[thread] = TornadoMath.max(largest[thread], largest[thread + width * CHUNK]);
      }
    }
    context.localBarrier();
    float inverse = inverse(largest[r]);
    if (lane == 0) {
      units.set(StepLayout.OUTPUTS_AT + chunk * CHUNK + r, 1f / inverse);
    }
    if (context.globalIdx == 0) {
      units.set(StepLayout.STAMP, step.get(StepLayout.STAMP));
    }
    for (int k = lane; k < inputs; k += LANES) {
      split(to, (chunk * inputs + k) * CHUNK + r, low, step.get(from + k) * inverse);
    }
  }

  /** The power of two that brings a row whose largest magnitude is {@code most} to more than 2048, at most 4096. */
  private static float inverse(float most) {
    float inverse = 1f;
    for (int i = 0; i < 16; i++) {
      float scaled = most * inverse;
      inverse = scaled > 4096f ? inverse * 0.00390625f : inverse;
      inverse = scaled > 0f && scaled <= 16f ? inverse * 256f : inverse;
    }
    for (int i = 0; i < 8; i++) {
      inverse = most > 0f && most * inverse <= 2048f ? inverse * 2f : inverse;
    }
    return inverse;
  }

  private static void split(HalfFloatArray to, int at, int low, float value) {
    to.set(at, new HalfFloat(TensorKernel.high(value)));
    to.set(at + low, new HalfFloat(value - TensorKernel.high(value)));
  }

  /**
   * The activation between the two products, as halves.
   *
   * @param in what {@link TensorKernel#multiply} made of the first matrix
   * @param inUnits of its rows
   * @param to (2, chunks, size, {@value #CHUNK}), as {@link #pack} makes it
   * @param toUnits of its rows
   * @param rowFactors of the first matrix; for F16 what its rows are to be multiplied with, else divided by
   * @param bias -1 without biases
   */
  static void activate(KernelContext context, FloatArray step, FloatArray in, FloatArray inUnits, FloatArray factors,
      HalfFloatArray to, FloatArray toUnits, int format, int chunks, int low, int size, int parts, int stride,
      int rowFactors, int bias, int activation, float alpha, float limit) {
    float[] largest = context.allocateFloatLocalArray(THREADS);
    int thread = context.localIdx;
    int r = thread % CHUNK;
    int lane = thread / CHUNK;
    int tile = StepLayout.TILES + StepLayout.TILE * (context.groupIdx / chunks);
    int slot = (int) step.get(tile);
    int rows = (int) step.get(tile + 2);
    int chunk = (int) step.get(tile + 3) + Math.min(context.groupIdx % chunks, (rows - 1) / CHUNK);
    int padded = (parts * size + OUTPUTS - 1) / OUTPUTS * OUTPUTS;
    int from = StepLayout.OUTPUTS_AT + chunk * padded * CHUNK + r;
    float unit = inUnits.get(StepLayout.OUTPUTS_AT + chunk * CHUNK + r);
    float most = 0f;
    for (int j = lane; j < size; j += LANES) {
      most = TornadoMath.max(most, TornadoMath.abs(activated(in, from, factors, slot * stride, unit, j, format, size,
          parts, rowFactors, bias, activation, alpha, limit)));
    }
    largest[thread] = most;
    for (int width = LANES / 2; width > 0; width = width / 2) {
      context.localBarrier();
      if (lane < width) {
        largest[thread] = TornadoMath.max(largest[thread], largest[thread + width * CHUNK]);
      }
    }
    context.localBarrier();
    float inverse = inverse(largest[r]);
    if (lane == 0) {
      toUnits.set(StepLayout.OUTPUTS_AT + chunk * CHUNK + r, 1f / inverse);
    }
    if (context.globalIdx == 0) {
      toUnits.set(StepLayout.STAMP, in.get(StepLayout.STAMP));
    }
    for (int j = lane; j < size; j += LANES) {
      split(to, (chunk * size + j) * CHUNK + r, low, inverse * activated(in, from, factors, slot * stride, unit, j,
          format, size, parts, rowFactors, bias, activation, alpha, limit));
    }
  }

  private static float activated(FloatArray in, int from, FloatArray factors, int slot, float unit, int j, int format,
      int size, int parts, int rowFactors, int bias, int activation, float alpha, float limit) {
    float u = output(in, from, factors, slot, unit, j, format, rowFactors, bias);
    float g = parts > 1 ? output(in, from, factors, slot, unit, j + size, format, rowFactors, bias) : 0f;
    float g2 = parts > 2 ? output(in, from, factors, slot, unit, j + 2 * size, format, rowFactors, bias) : 0f;
    return Activations.apply(activation, u, g, g2, alpha, limit);
  }

  /** Output {@code o} with its units and bias. */
  private static float output(FloatArray in, int from, FloatArray factors, int slot, float unit, int o, int format,
      int rowFactors, int bias) {
    float factor = factors.get(slot + rowFactors + o);
    float value = in.get(from + o * CHUNK) * unit * (format == Formats.F16 ? factor : 1f / factor);
    return bias >= 0 ? value + factors.get(slot + bias + o) : value;
  }

  /**
   * The outputs of the second product with units and biases, row by row. A work group for each chunk and
   * {@value #LANES} outputs.
   *
   * @param out (rows, outputs), from {@link StepLayout#OUTPUTS_AT} on
   */
  static void unpack(KernelContext context, FloatArray step, FloatArray in, FloatArray inUnits, FloatArray factors,
      FloatArray out, int format, int chunks, int outputs, int stride, int rowFactors, int bias) {
    int thread = context.localIdx;
    int r = thread % CHUNK;
    int groups = (outputs + LANES - 1) / LANES;
    int o = context.groupIdx % groups * LANES + thread / CHUNK;
    int c = context.groupIdx / groups % chunks;
    int tile = StepLayout.TILES + StepLayout.TILE * (context.groupIdx / groups / chunks);
    int slot = (int) step.get(tile);
    int rows = (int) step.get(tile + 2);
    int chunk = (int) step.get(tile + 3) + c;
    int padded = (outputs + OUTPUTS - 1) / OUTPUTS * OUTPUTS;
    if (c * CHUNK + r < rows && o < outputs) {
      int row = (int) step.get(tile + 1) + c * CHUNK + r;
      out.set(StepLayout.OUTPUTS_AT + row * outputs + o, output(in, StepLayout.OUTPUTS_AT + chunk * padded * CHUNK + r,
          factors, slot * stride, inUnits.get(StepLayout.OUTPUTS_AT + chunk * CHUNK + r), o, format, rowFactors, bias));
    }
    if (context.globalIdx == 0) {
      out.set(StepLayout.STAMP, in.get(StepLayout.STAMP));
    }
  }
}
