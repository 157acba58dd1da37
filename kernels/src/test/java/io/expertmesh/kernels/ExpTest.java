package io.expertmesh.kernels;

import static io.expertmesh.kernels.KernelsUnderTest.assertSameBits;
import static org.assertj.core.api.Assertions.assertThat;

import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The exponential over a dense sweep of all floats. */
class ExpTest {
  private static final int STEP = 1009;

  @Test
  void closeToStrictMath() {
    double worst = 0;
    for (long bits = 0; bits <= 0xffffffffL; bits += STEP) {
      float x = Float.intBitsToFloat((int) bits);
      if (x >= ExactMath.EXP_MIN && x <= ExactMath.EXP_MAX) {
        double exact = StrictMath.exp(x);
        worst = Math.max(worst, Math.abs(ExactMath.exp(x) - exact) / Math.ulp((float) exact));
      }
    }
    assertThat(worst).isLessThan(2.0);
  }

  @Test
  void saturates() {
    assertThat(ExactMath.exp(Float.NEGATIVE_INFINITY)).isEqualTo(ExactMath.exp(-87f)).isPositive();
    assertThat(ExactMath.exp(Float.POSITIVE_INFINITY)).isEqualTo(ExactMath.exp(88f)).isFinite();
    assertThat(ExactMath.exp(Float.NaN)).isNaN();
    assertThat(ExactMath.exp(0f)).isEqualTo(1f);
    assertThat(ExactMath.exp(-0f)).isEqualTo(1f);
  }

  @Test
  @Tag("parity")
  void vectorGivesTheScalarBits() {
    if (KernelsUnderTest.get() instanceof ScalarKernels) {
      return;
    }
    int n = 1 << 14;
    float[] x = new float[n];
    float[] actual = new float[n];
    float[] expected = new float[n];
    for (long from = 0; from <= 0xffffffffL; from += (long) n * STEP) {
      for (int i = 0; i < n; i++) {
        x[i] = Float.intBitsToFloat((int) (from + (long) i * STEP));
        expected[i] = ExactMath.exp(x[i]);
      }
      for (int i = 0; i < n; i += VectorWeights.WIDTH) {
        VectorMath.exp(FloatVector.fromArray(VectorWeights.SPECIES, x, i)).intoArray(actual, i);
      }
      assertSameBits(actual, expected, "exp from bits " + Long.toHexString(from));
    }
  }
}
