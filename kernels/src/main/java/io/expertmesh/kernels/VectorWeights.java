package io.expertmesh.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loads of weights as f32 vectors of {@link #SPECIES}, straight from mapped memory.
 *
 * <p>Addresses are absolute: a segment over all memory has no bounds checks in the inner loop. Callers stay inside
 * the {@link WeightMatrix}, whose constructor has checked its size, and keep it reachable.
 */
final class VectorWeights {
  /** Set by {@link KernelSelection} or, in tests, on the command line; the machine's preferred width otherwise. */
  static final VectorSpecies<Float> SPECIES = species(Integer.getInteger("expertmesh.vector.bits", 0));
  static final int WIDTH = SPECIES.length();
  /** Registers that hold the {@value ExactMath#LANES} lanes of a dot product. */
  static final int PARTS = ExactMath.LANES / WIDTH;

  private static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class,
      VectorShape.forBitSize(SPECIES.vectorBitSize() / 2));
  private static final VectorSpecies<Byte> BYTES = VectorSpecies.of(byte.class,
      VectorShape.forBitSize(Math.max(64, SPECIES.vectorBitSize() / 4)));
  private static final VectorSpecies<Integer> INTS = SPECIES.withLanes(int.class);
  private static final IntVector BYTE_SHIFTS = IntVector.fromArray(INTS,
      new int[]{24, 16, 8, 0, 24, 16, 8, 0, 24, 16, 8, 0, 24, 16, 8, 0}, 0);

  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);
  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LE);
  private static final float TWO_POW_112 = 0x1p112f;

  private VectorWeights() {}

  private static VectorSpecies<Float> species(int bits) {
    return switch (bits) {
      case 0 -> FloatVector.SPECIES_PREFERRED.length() > ExactMath.LANES
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_PREFERRED;
      case 128 -> FloatVector.SPECIES_128;
      case 256 -> FloatVector.SPECIES_256;
      case 512 -> FloatVector.SPECIES_512;
      default -> throw new IllegalArgumentException("-Dexpertmesh.vector.bits is 128, 256 or 512, not " + bits);
    };
  }

  static FloatVector f32(long address) {
    return FloatVector.fromMemorySegment(SPECIES, MEMORY, address, LE);
  }

  static FloatVector bf16(long address) {
    IntVector bits = (IntVector) ShortVector.fromMemorySegment(SHORTS, MEMORY, address, LE)
        .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /** Moves the bits into place and multiplies by 2^112, which is exact, subnormal numbers included. */
  static FloatVector f16(long address) {
    IntVector half = (IntVector) ShortVector.fromMemorySegment(SHORTS, MEMORY, address, LE)
        .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    IntVector magnitude = half.and(0x7fff).lanewise(VectorOperators.LSHL, 13);
    IntVector scaled = magnitude.reinterpretAsFloats().mul(TWO_POW_112).reinterpretAsInts();
    VectorMask<Integer> special = magnitude.compare(VectorOperators.GE, 0x7c00 << 13);
    IntVector bits = scaled.blend(magnitude.or(0x7f800000), special);
    return bits.or(half.and(0x8000).lanewise(VectorOperators.LSHL, 16)).reinterpretAsFloats();
  }

  static float f16Scale(long address) {
    return Float.float16ToFloat(MEMORY.get(U16, address));
  }

  /** Signed bytes as floats. */
  static FloatVector i8(long address) {
    if (WIDTH == 4) { // there is no 32-bit byte vector
      IntVector word = IntVector.broadcast(INTS, MEMORY.get(I32, address));
      return (FloatVector) word.lanewise(VectorOperators.LSHL, BYTE_SHIFTS).lanewise(VectorOperators.ASHR, 24)
          .convertShape(VectorOperators.I2F, SPECIES, 0);
    }
    return (FloatVector) ByteVector.fromMemorySegment(BYTES, MEMORY, address, LE)
        .convertShape(VectorOperators.B2F, SPECIES, 0);
  }

  /** Bytes of two nibbles each, to be taken apart by {@link #lowNibbles} and {@link #highNibbles}. */
  static IntVector nibblePairs(long address) {
    if (WIDTH == 4) {
      return IntVector.broadcast(INTS, MEMORY.get(I32, address)).lanewise(VectorOperators.LSHL, BYTE_SHIFTS)
          .lanewise(VectorOperators.LSHR, 24);
    }
    return (IntVector) ByteVector.fromMemorySegment(BYTES, MEMORY, address, LE)
        .convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
  }

  /** The low nibbles, minus 8, as floats. */
  static FloatVector lowNibbles(IntVector pairs) {
    return (FloatVector) pairs.and(15).sub(8).convertShape(VectorOperators.I2F, SPECIES, 0);
  }

  /** The high nibbles, minus 8, as floats. */
  static FloatVector highNibbles(IntVector pairs) {
    return (FloatVector) pairs.lanewise(VectorOperators.LSHR, 4).sub(8).convertShape(VectorOperators.I2F, SPECIES, 0);
  }

  /** Writes the {@code n} elements of a row as f32; {@code n} is a multiple of 16 (plain) or 32 (blocks). */
  static void dequantize(DType dtype, long row, int n, float[] out, int outOffset) {
    switch (dtype) {
      case F32 -> {
        for (int k = 0; k < n; k += WIDTH) {
          f32(row + 4L * k).intoArray(out, outOffset + k);
        }
      }
      case F16 -> {
        for (int k = 0; k < n; k += WIDTH) {
          f16(row + 2L * k).intoArray(out, outOffset + k);
        }
      }
      case BF16 -> {
        for (int k = 0; k < n; k += WIDTH) {
          bf16(row + 2L * k).intoArray(out, outOffset + k);
        }
      }
      case Q8_0 -> {
        long block = row;
        for (int k = 0; k < n; k += 32, block += 34) {
          float scale = f16Scale(block);
          for (int j = 0; j < 32; j += WIDTH) {
            i8(block + 2 + j).mul(scale).intoArray(out, outOffset + k + j);
          }
        }
      }
      case Q4_0 -> {
        long block = row;
        for (int k = 0; k < n; k += 32, block += 18) {
          float scale = f16Scale(block);
          for (int j = 0; j < 16; j += WIDTH) {
            IntVector pairs = nibblePairs(block + 2 + j);
            lowNibbles(pairs).mul(scale).intoArray(out, outOffset + k + j);
            highNibbles(pairs).mul(scale).intoArray(out, outOffset + k + 16 + j);
          }
        }
      }
    }
  }
}
