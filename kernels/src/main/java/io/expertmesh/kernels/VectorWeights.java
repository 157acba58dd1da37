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
  static final VectorSpecies<Integer> INTS = SPECIES.withLanes(int.class);
  private static final IntVector BYTE_SHIFTS = IntVector.fromArray(INTS,
      new int[]{24, 16, 8, 0, 24, 16, 8, 0, 24, 16, 8, 0, 24, 16, 8, 0}, 0);

  static final IntVector LANE = IntVector.zero(INTS).addIndex(1);
  private static final IntVector NIBBLE_SHIFTS = LANE.and(7).mul(4);
  private static final VectorMask<Integer> UPPER_HALF = LANE.compare(VectorOperators.GE, WIDTH / 2);
  private static final IntVector DOUBLED_E2M1 = doubledE2m1Table();

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

  /** The bits of twice the value of nibble i in lane i. */
  private static IntVector doubledE2m1Table() {
    int[] bits = new int[ExactMath.LANES];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(2 * SmallFloats.e2m1(i));
    }
    return IntVector.fromArray(INTS, bits, 0);
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

  /** Unsigned bytes. */
  static IntVector u8(long address) {
    if (WIDTH == 4) {
      return IntVector.broadcast(INTS, MEMORY.get(I32, address)).lanewise(VectorOperators.LSHL, BYTE_SHIFTS)
          .lanewise(VectorOperators.LSHR, 24);
    }
    return (IntVector) ByteVector.fromMemorySegment(BYTES, MEMORY, address, LE)
        .convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
  }

  static byte byteAt(long address) {
    return MEMORY.get(ValueLayout.JAVA_BYTE, address);
  }

  static int i32(long address) {
    return MEMORY.get(I32, address);
  }

  /** As many nibbles as there are lanes, the low one of a byte first. */
  static IntVector nibbles(long address) {
    IntVector words = IntVector.broadcast(INTS, WIDTH == 4 ? MEMORY.get(U16, address) : MEMORY.get(I32, address));
    if (WIDTH == ExactMath.LANES) {
      words = words.blend(MEMORY.get(I32, address + 4), UPPER_HALF);
    }
    return words.lanewise(VectorOperators.LSHR, NIBBLE_SHIFTS).and(15);
  }

  /** Twice the values of E2M1 numbers; {@code nibbles} from 0 to 15. */
  static FloatVector doubledE2m1(IntVector nibbles) {
    if (WIDTH == ExactMath.LANES) {
      return nibbles.selectFrom(DOUBLED_E2M1).reinterpretAsFloats();
    }
    IntVector q = nibbles.and(7);
    IntVector value = q.add(q.sub(4).max(0)).add(q.sub(6).max(0).lanewise(VectorOperators.LSHL, 1));
    IntVector sign = nibbles.and(8).lanewise(VectorOperators.LSHL, 28);
    return ((FloatVector) value.convertShape(VectorOperators.I2F, SPECIES, 0)).reinterpretAsInts().or(sign)
        .reinterpretAsFloats();
  }

  /** E4M3 numbers; {@code bits} from 0 to 255. */
  static FloatVector e4m3(IntVector bits) {
    IntVector magnitude = bits.and(0x7f);
    IntVector scaled = magnitude.lanewise(VectorOperators.LSHL, 20).reinterpretAsFloats().mul(0x1p120f)
        .reinterpretAsInts();
    IntVector value = scaled.blend(0x7fc00000, magnitude.compare(VectorOperators.EQ, 0x7f));
    return value.or(bits.and(0x80).lanewise(VectorOperators.LSHL, 24)).reinterpretAsFloats();
  }

  /** The low nibbles, minus 8, as floats. */
  static FloatVector lowNibbles(IntVector pairs) {
    return (FloatVector) pairs.and(15).sub(8).convertShape(VectorOperators.I2F, SPECIES, 0);
  }

  /** The high nibbles, minus 8, as floats. */
  static FloatVector highNibbles(IntVector pairs) {
    return (FloatVector) pairs.lanewise(VectorOperators.LSHR, 4).sub(8).convertShape(VectorOperators.I2F, SPECIES, 0);
  }
}
