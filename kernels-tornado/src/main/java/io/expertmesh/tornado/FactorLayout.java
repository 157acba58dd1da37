package io.expertmesh.tornado;

/** Where the scales, biases and row factors of an expert are among its factors. */
record FactorLayout(BankShape shape) {
  int wideScales() {
    return 0;
  }

  int downScales() {
    return shape.wideScales();
  }

  /** -1 without biases. */
  int wideBiases() {
    return shape.biases() ? downScales() + shape.downScales() : -1;
  }

  /** -1 without biases. */
  int downBiases() {
    return shape.biases() ? wideBiases() + shape.wideBiases() : -1;
  }

  /** What the first matrix's rows are multiplied with: their scales for F16. */
  int wideRowFactors() {
    return shape.wide().hasRowFactors()
        ? downScales() + shape.downScales() + shape.wideBiases() + shape.downBiases()
        : wideScales();
  }

  /** Those of the second matrix. */
  int downRowFactors() {
    return shape.down().hasRowFactors()
        ? downScales() + shape.downScales() + shape.wideBiases() + shape.downBiases() + shape.wideRowFactors()
        : downScales();
  }

  /** Factors of an expert, and from those of one slot to those of the next. */
  int stride() {
    return Math.toIntExact(shape.factors());
  }
}
