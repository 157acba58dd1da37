package io.expertmesh.tornado;

/** Where the scales and biases of an expert are among its factors. */
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

  /** Factors of an expert, and from those of one slot to those of the next. */
  int stride() {
    return Math.toIntExact(shape.factors());
  }
}
