package io.expertmesh.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

/** The kernels that the build forces with {@code -Dexpertmesh.kernels}; it runs the parity tests once for each. */
final class KernelsUnderTest {
  private KernelsUnderTest() {}

  /** Skips the test where this CPU lacks the width, and fails it if other kernels than the forced ones would run. */
  static Kernels get() {
    String forced = System.getProperty(KernelSelection.PROPERTY);
    if (forced == null) { // started by hand
      return KernelSelection.kernels();
    }
    int bits = forced.equals("scalar") ? 0 : Integer.parseInt(forced.substring("vector-".length()));
    assumeThat(VectorKernels.widestBits())
        .as("%s is not tested: this CPU's vectors have %d bits", forced, VectorKernels.widestBits())
        .isGreaterThanOrEqualTo(bits);
    Kernels kernels = KernelSelection.kernels();
    assertThat(kernels.name()).isEqualTo(forced);
    return kernels;
  }

  /** Equal bits; any NaN equals any other, since the arithmetic does not define its payload. */
  static void assertSameBits(float[] actual, float[] expected, String what) {
    assertThat(actual.length).isEqualTo(expected.length);
    for (int i = 0; i < actual.length; i++) {
      if (Float.floatToIntBits(actual[i]) != Float.floatToIntBits(expected[i])) {
        throw new AssertionError("%s: element %d is %s (%08x), not %s (%08x)".formatted(what, i, actual[i],
            Float.floatToRawIntBits(actual[i]), expected[i], Float.floatToRawIntBits(expected[i])));
      }
    }
  }
}
