package io.expertmesh.benchmarks.kernels;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** More equal matrices than any cache holds, used one after the other as the experts of a model are. */
final class Weights implements AutoCloseable {
  static final long BYTES = 512L << 20;

  private final Arena arena = Arena.ofShared();
  private final WeightMatrix[] matrices;
  private int next;

  /** @param shape such as {@code 1024x2048}: outputs and inputs */
  Weights(DType dtype, String shape) {
    int x = shape.indexOf('x');
    int rows = Integer.parseInt(shape.substring(0, x));
    int cols = Integer.parseInt(shape.substring(x + 1));
    matrices = new WeightMatrix[(int) (BYTES / (dtype.bytes(cols) * rows)) + 1];
    for (int i = 0; i < matrices.length; i++) {
      matrices[i] = new WeightMatrix(shape, dtype, rows, cols, filled(arena, dtype.bytes(cols) * rows));
    }
  }

  /** Bytes from 0x30 to 0x3f, which are small positive numbers in every format. */
  static MemorySegment filled(Arena arena, long bytes) {
    byte[] pattern = new byte[1 << 16];
    Random random = new Random(1);
    for (int i = 0; i < pattern.length; i++) {
      pattern[i] = (byte) (0x30 + random.nextInt(16));
    }
    MemorySegment data = arena.allocate(bytes, 64);
    for (long at = 0; at < bytes; at += pattern.length) {
      MemorySegment.copy(pattern, 0, data, ValueLayout.JAVA_BYTE, at, (int) Math.min(pattern.length, bytes - at));
    }
    return data;
  }

  WeightMatrix next() {
    next = (next + 1) % matrices.length;
    return matrices[next];
  }

  static float[] activations(int n) {
    float[] x = new float[n];
    Random random = new Random(2);
    for (int i = 0; i < n; i++) {
      x[i] = random.nextFloat() - 0.5f;
    }
    return x;
  }

  @Override
  public void close() {
    arena.close();
  }
}
