package io.expertmesh.kernels;

import static io.expertmesh.kernels.VectorWeights.SPECIES;
import static io.expertmesh.kernels.VectorWeights.WIDTH;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The building blocks of the exact arithmetic on vectors.
 *
 * <p>Running lanes leave a loop through an array, never as a vector that is returned or passed on: what the compiler
 * does not inline would have to be an object, made anew in each round of the loop.
 */
final class VectorMath {
  private VectorMath() {}

  /** {@link ExactMath#reduce} of the {@value ExactMath#LANES} lanes from {@code offset} on. */
  static float reduce(float[] lanes, int offset) {
    float a = lanes[offset] + lanes[offset + 8];
    float b = lanes[offset + 1] + lanes[offset + 9];
    float c = lanes[offset + 2] + lanes[offset + 10];
    float d = lanes[offset + 3] + lanes[offset + 11];
    a += lanes[offset + 4] + lanes[offset + 12];
    b += lanes[offset + 5] + lanes[offset + 13];
    c += lanes[offset + 6] + lanes[offset + 14];
    d += lanes[offset + 7] + lanes[offset + 15];
    return (a + c) + (b + d);
  }

  /** Dot product of two runs of {@code n} floats, n a multiple of 16. */
  static float dot(float[] a, int aOffset, float[] b, int bOffset, int n, float[] lanes) {
    for (int part = 0; part < ExactMath.LANES; part += WIDTH) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int k = part; k < n; k += ExactMath.LANES) {
        sum = FloatVector.fromArray(SPECIES, a, aOffset + k).fma(FloatVector.fromArray(SPECIES, b, bOffset + k), sum);
      }
      sum.intoArray(lanes, part);
    }
    return reduce(lanes, 0);
  }

  /** Sum of {@code n} floats, n a multiple of 16. */
  static float sum(float[] x, int offset, int n, float[] lanes) {
    for (int part = 0; part < ExactMath.LANES; part += WIDTH) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int k = part; k < n; k += ExactMath.LANES) {
        sum = sum.add(FloatVector.fromArray(SPECIES, x, offset + k));
      }
      sum.intoArray(lanes, part);
    }
    return reduce(lanes, 0);
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
