package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * Random weights as fast as a disk takes them: a pool of normally distributed numbers is converted once to each type,
 * and tensors are put together from stretches that begin anywhere in it. The same name gives the same weights.
 */
final class RandomWeights {
  /** As OLMoE's and most models' initialisation, so that activations stay in their usual range. */
  private static final float DEVIATION = 0.02f;
  private static final int POOL = 1 << 22;
  private static final int STRETCH = 1 << 14;
  private static final int BLOCK = 32;

  private final Map<DType, MemorySegment> pools = new EnumMap<>(DType.class);

  /** Drawn when the first weights are written. */
  private static final class Numbers {
    static final float[] NORMAL = normal();

    private static float[] normal() {
      Random random = new Random(42);
      float[] values = new float[POOL];
      for (int i = 0; i < POOL; i++) {
        values[i] = (float) random.nextGaussian() * DEVIATION;
      }
      return values;
    }
  }

  /** {@code elements} weights of the tensor {@code name}; those of F4_E2M1 and F8_E4M3 need scales of about 0.01. */
  void write(String name, DType dtype, long elements, TensorSink sink) throws IOException {
    MemorySegment pool = pools.computeIfAbsent(dtype, this::convert);
    SplittableRandom random = new SplittableRandom(name.hashCode());
    for (long done = 0; done < elements; done += STRETCH) {
      long count = Math.min(STRETCH, elements - done);
      long start = (long) random.nextInt((POOL - STRETCH) / BLOCK) * BLOCK;
      sink.write(pool.asSlice(dtype.bytes(start), dtype.bytes(count)));
    }
  }

  private MemorySegment convert(DType dtype) {
    byte[] bytes = new byte[Math.toIntExact(dtype.bytes(POOL))];
    MemorySegment pool = MemorySegment.ofArray(bytes);
    if (dtype == DType.F4_E2M1 || dtype == DType.F8_E4M3) {
      new Random(43).nextBytes(bytes);
      for (int i = 0; dtype == DType.F8_E4M3 && i < bytes.length; i++) {
        // Sign, an exponent from -2 to 1, any mantissa: 0.25 to 3.75.
        bytes[i] = (byte) ((bytes[i] & 0x80) | (0x28 + (bytes[i] & 0x1f)));
      }
      return pool;
    }
    Quantizer.fromFloats(Numbers.NORMAL, POOL, dtype, pool, 0);
    return pool;
  }
}
