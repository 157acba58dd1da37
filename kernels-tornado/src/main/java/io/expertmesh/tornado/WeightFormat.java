package io.expertmesh.tornado;

import io.expertmesh.kernels.BlockScales;
import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.failure.FailureException;

/** How a matrix lies in the device's memory. Kernels add in f32. */
enum WeightFormat {
  F32(Formats.F32, 1, Float.BYTES),
  /**
   * Halves, each row times a power of two: exact for f16 and for bf16, unless elements of one row differ by more than
   * 2^32. Formats that no other holds exactly are rounded to this one, 11 bits.
   */
  F16(Formats.F16, 1, Short.BYTES),
  /** Signed bytes, 4 in a word, with an f32 scale for each 32: Q8_0, Q5_0. */
  Q8(Formats.Q8, 4, Integer.BYTES),
  /** Nibbles less 8, 8 in a word, with an f32 scale for each 32: Q4_0. */
  Q4(Formats.Q4, 8, Integer.BYTES),
  /** E2M1 nibbles, likewise: MXFP4. */
  E2M1(Formats.E2M1, 8, Integer.BYTES);

  /** As kernels know it. */
  final int number;
  private final int weightsInElement;
  final int elementBytes;

  WeightFormat(int number, int weightsInElement, int elementBytes) {
    this.number = number;
    this.weightsInElement = weightsInElement;
    this.elementBytes = elementBytes;
  }

  /**
   * The format for a matrix.
   *
   * @throws FailureException INVALID_REQUEST if there is none
   */
  static WeightFormat of(WeightMatrix matrix) {
    if (matrix.scales() != null) {
      return matrix.dtype() == DType.F4_E2M1 && scaledByBlocks(matrix.scales(), matrix.cols()) ? E2M1 : F16;
    }
    return switch (matrix.dtype()) {
      case F32 -> F32;
      case F16, BF16 -> F16;
      case Q8_0, Q5_0 -> Q8;
      case Q4_0 -> Q4;
      case MXFP4 -> E2M1;
      case Q4_1, Q5_1, Q4_K, Q5_K, Q6_K, F8_E4M3, F4_E2M1 -> F16;
      case F8_E8M0 -> throw FailureException.invalidParameter("--backend", """
          --backend tornado cannot compute with %s, which is stored as %s: use --backend cpu""".formatted(
          matrix.name(), matrix.dtype()));
    };
  }

  /** The format for matrices that lie in one array. */
  WeightFormat with(WeightFormat other) {
    if (this == other) {
      return this;
    }
    return this == F32 || other == F32 ? F32 : F16;
  }

  private static boolean scaledByBlocks(BlockScales scales, int cols) {
    return scales.blockRows() == 1 && scales.blockCols() == 32 && cols % 32 == 0;
  }

  /** Elements of the device's array that a row of {@code cols} weights takes. */
  int elements(int cols) {
    return cols / weightsInElement;
  }

  /** Whether each row has a factor that the {@link TensorKernel}s need, beside its scales. */
  boolean hasRowFactors() {
    return switch (this) {
      case F32, F16 -> false;
      case Q8, Q4, E2M1 -> true;
    };
  }

  /**
   * The power of two that a row's weights are multiplied with before they become halves: the largest are at most 4096.
   *
   * @param scales of the row's blocks from {@code from} on
   */
  float rowFactor(float[] scales, int from, int count) {
    float most = 0f;
    for (int i = from; i < from + count; i++) {
      most = Math.max(most, Math.abs(scales[i]));
    }
    int exponent = most == 0f || most == Float.POSITIVE_INFINITY ? 0 : Math.getExponent(most);
    int bits = this == Q8 ? 4 : this == Q4 ? 8 : 7;
    return Math.scalb(1f, Math.clamp(bits - exponent, -100, 100));
  }

  /** Scales of a row of {@code cols} weights. */
  int scales(int cols) {
    return switch (this) {
      case F32 -> 0;
      case F16 -> 1;
      case Q8, Q4, E2M1 -> cols / 32;
    };
  }
}
