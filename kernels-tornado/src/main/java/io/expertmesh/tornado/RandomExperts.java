package io.expertmesh.tornado;

import io.expertmesh.kernels.BlockScales;
import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.decoder.FeedForwardWeights.Biases;
import io.expertmesh.model.device.ExpertWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Experts with random weights in any stored type, for tests and measurements. */
final class RandomExperts {
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;

  private final SplittableRandom random;

  RandomExperts(long seed) {
    this.random = new SplittableRandom(seed);
  }

  ExpertWeights expert(int layer, int id, Activation activation, DType wide, DType down, int hidden, int size,
      boolean biases) {
    int gate = activation.gateWidth() * size;
    return new ExpertWeights(layer, id, activation, gate == 0 ? null : matrix("gate", wide, gate, hidden),
        matrix("up", wide, size, hidden), matrix("down", down, hidden, size),
        biases ? new Biases(gate == 0 ? null : floats(gate), floats(size), floats(hidden)) : null);
  }

  float[] floats(int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = value();
    }
    return values;
  }

  private float value() {
    return (float) (random.nextDouble() * 2 - 1);
  }

  WeightMatrix matrix(String name, DType dtype, int rows, int cols) {
    MemorySegment data = Arena.ofAuto().allocate(dtype.bytes(cols) * rows, 64);
    if (dtype == DType.F32) {
      for (long i = 0; i < (long) rows * cols; i++) {
        data.setAtIndex(ValueLayout.JAVA_FLOAT, i, value());
      }
      return new WeightMatrix(name, dtype, rows, cols, data);
    }
    for (long i = 0; i < data.byteSize(); i++) {
      data.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
    }
    for (long block = 0; block < data.byteSize(); block += dtype.blockBytes()) {
      scale(data, dtype, block);
    }
    return new WeightMatrix(name, dtype, rows, cols, data, null, scales(dtype, rows, cols));
  }

  /** Scales that give weights below 1, and no infinities. */
  private void scale(MemorySegment data, DType dtype, long block) {
    float small = (0.5f + Math.abs(value())) / 128;
    switch (dtype) {
      case F16 -> data.set(U16, block, Float.floatToFloat16(value()));
      case BF16 -> data.set(U16, block, (short) (Float.floatToIntBits(value()) >>> 16));
      case Q8_0 -> data.set(U16, block, Float.floatToFloat16(small));
      case Q4_0, Q5_0 -> data.set(U16, block, Float.floatToFloat16(8 * small));
      case Q4_1, Q5_1 -> {
        data.set(U16, block, Float.floatToFloat16(8 * small));
        data.set(U16, block + 2, Float.floatToFloat16(-0.5f));
      }
      case Q4_K, Q5_K -> {
        data.set(U16, block, Float.floatToFloat16(small / 8));
        data.set(U16, block + 2, Float.floatToFloat16(small / 16));
      }
      case Q6_K -> data.set(U16, block + 208, Float.floatToFloat16(small / 64));
      case MXFP4 -> data.set(ValueLayout.JAVA_BYTE, block, (byte) (122 + random.nextInt(4)));
      case F8_E4M3 -> data.set(ValueLayout.JAVA_BYTE, block, (byte) (random.nextInt() & 0xf7));
      default -> {
      }
    }
  }

  private @Nullable BlockScales scales(DType dtype, int rows, int cols) {
    return switch (dtype) {
      case F4_E2M1 -> {
        MemorySegment data = Arena.ofAuto().allocate((long) rows * cols / 32);
        for (long i = 0; i < data.byteSize(); i++) {
          data.set(ValueLayout.JAVA_BYTE, i, (byte) (122 + random.nextInt(4)));
        }
        yield new BlockScales(DType.F8_E8M0, 1, 32, rows, cols / 32, data);
      }
      case F8_E4M3 -> {
        int across = Math.ceilDiv(cols, 16);
        int below = Math.ceilDiv(rows, 16);
        MemorySegment data = Arena.ofAuto().allocate(4L * below * across, 4);
        for (int i = 0; i < below * across; i++) {
          data.setAtIndex(ValueLayout.JAVA_FLOAT, i, (0.5f + Math.abs(value())) / 300);
        }
        yield new BlockScales(DType.F32, 16, 16, below, across, data);
      }
      default -> null;
    };
  }
}
