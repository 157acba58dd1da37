package io.expertmesh.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Random;

/** Seeded inputs. {@link Random} is specified bit for bit, so every machine gets the same. */
final class Samples {
  /** Which values occur. */
  enum Values {
    /** About -1 to 1. */
    ORDINARY,
    /** Any finite exponent, subnormal numbers and both zeros among them; sums may overflow. */
    WIDE,
    /** Ordinary ones, and a few infinities and NaN in every third row. */
    SPECIAL
  }

  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Random random;

  Samples(long seed) {
    random = new Random(seed);
  }

  float[] floats(int n, Values values) {
    float[] out = new float[n];
    for (int i = 0; i < n; i++) {
      out[i] = switch (values) {
        case ORDINARY -> ordinary();
        case WIDE -> Float.intBitsToFloat(finite(random.nextInt(), 0x7f800000));
        case SPECIAL -> random.nextInt(200) == 0 ? special() : ordinary();
      };
    }
    return out;
  }

  private float ordinary() {
    return random.nextInt() * 0x1p-31f;
  }

  private float special() {
    return switch (random.nextInt(3)) {
      case 0 -> Float.NaN;
      case 1 -> Float.NEGATIVE_INFINITY;
      default -> Float.POSITIVE_INFINITY;
    };
  }

  /** Clears the top bit of the exponent where all its bits are set. */
  private static int finite(int bits, int exponentMask) {
    return (bits & exponentMask) == exponentMask ? bits & ~Integer.highestOneBit(exponentMask) : bits;
  }

  /** A matrix that starts at an odd address. */
  WeightMatrix matrix(DType dtype, int rows, int cols, Values values) {
    long bytes = dtype.bytes(cols) * rows;
    MemorySegment data = Arena.ofAuto().allocate(bytes + 1).asSlice(1);
    long blocksPerRow = cols / dtype.blockElements();
    for (int row = 0; row < rows; row++) {
      Values kind = values == Values.SPECIAL && row % 3 != 0 ? Values.ORDINARY : values;
      for (long b = 0; b < blocksPerRow; b++) {
        writeBlock(dtype, data, (row * blocksPerRow + b) * dtype.blockBytes(), kind);
      }
    }
    return new WeightMatrix("%s(%d, %d)".formatted(dtype, rows, cols), dtype, rows, cols, data);
  }

  /** A matrix with scales apart: of 128 x 128 elements for F8_E4M3, of 32 in a row for F4_E2M1. */
  WeightMatrix scaledMatrix(DType dtype, int rows, int cols, Values values) {
    WeightMatrix bare = matrix(dtype, rows, cols, values);
    boolean tiles = dtype == DType.F8_E4M3;
    int blockRows = tiles ? 128 : 1;
    int blockCols = tiles ? 128 : 32;
    int scaleRows = Math.ceilDiv(rows, blockRows);
    int scaleCols = Math.ceilDiv(cols, blockCols);
    WeightMatrix scales = matrix(tiles ? DType.F32 : DType.F8_E8M0, scaleRows, scaleCols, values);
    return new WeightMatrix(bare.name() + " scaled", dtype, rows, cols, bare.data(), null,
        new BlockScales(scales.dtype(), blockRows, blockCols, scaleRows, scaleCols, scales.data()));
  }

  private void writeBlock(DType dtype, MemorySegment data, long at, Values values) {
    float value = floats(1, values)[0];
    short half = values == Values.WIDE ? (short) finite(random.nextInt(), 0x7c00) : Float.floatToFloat16(value);
    switch (dtype) {
      case F32 -> data.set(U32, at, Float.floatToRawIntBits(value));
      case BF16 -> data.set(U16, at, (short) (Float.floatToRawIntBits(value) >> 16));
      case F16, Q8_0, Q4_0, Q5_0 -> {
        data.set(U16, at, half);
        fill(data, at + 2, dtype.blockBytes() - 2);
      }
      case Q4_1, Q5_1, Q4_K, Q5_K -> {
        data.set(U16, at, half);
        data.set(U16, at + 2, Float.floatToFloat16(ordinary()));
        fill(data, at + 4, dtype.blockBytes() - 4);
      }
      case Q6_K -> {
        fill(data, at, 208);
        data.set(U16, at + 208, half);
      }
      case MXFP4 -> {
        data.set(ValueLayout.JAVA_BYTE, at, power(values));
        fill(data, at + 1, 16);
      }
      case F4_E2M1 -> fill(data, at, 1);
      case F8_E4M3 -> {
        byte bits = (byte) random.nextInt();
        data.set(ValueLayout.JAVA_BYTE, at, values == Values.ORDINARY ? (byte) finite(bits, 0x7f) : bits);
      }
      case F8_E8M0 -> data.set(ValueLayout.JAVA_BYTE, at, power(values));
    }
  }

  private byte power(Values values) {
    return (byte) (values == Values.ORDINARY ? 119 + random.nextInt(9) : random.nextInt());
  }

  private void fill(MemorySegment data, long at, int bytes) {
    for (int i = 0; i < bytes; i++) {
      data.set(ValueLayout.JAVA_BYTE, at + i, (byte) random.nextInt());
    }
  }

  /** {@code count} blocks of {@code dtype} whose two first bytes run through 0, 1, 2, ...; the others are random. */
  WeightMatrix countingBlocks(DType dtype, int rows, int cols) {
    WeightMatrix matrix = matrix(dtype, rows, cols, Values.ORDINARY);
    int blocks = rows * (cols / dtype.blockElements());
    for (int i = 0; i < blocks; i++) {
      matrix.data().set(U16, (long) i * dtype.blockBytes(), (short) i);
    }
    return matrix;
  }
}
