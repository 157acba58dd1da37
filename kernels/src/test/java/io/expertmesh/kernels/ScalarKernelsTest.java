package io.expertmesh.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.expertmesh.kernels.Samples.Values;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The reference against hand-made blocks and double arithmetic. */
class ScalarKernelsTest {
  private final ScalarKernels kernels = new ScalarKernels();

  private float[] row(DType dtype, int cols, int... bytes) {
    MemorySegment data = Arena.ofAuto().allocate(bytes.length);
    for (int i = 0; i < bytes.length; i++) {
      data.set(ValueLayout.JAVA_BYTE, i, (byte) bytes[i]);
    }
    float[] out = new float[cols];
    kernels.dequantize(new WeightMatrix("w", dtype, 1, cols, data), 0, out, 0);
    return out;
  }

  @Test
  void plainFormats() {
    assertThat(row(DType.F32, 2, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x80)).containsExactly(1f, -0f);
    assertThat(row(DType.BF16, 2, 0x80, 0x3f, 0x80, 0xff)).containsExactly(1f, Float.NEGATIVE_INFINITY);
    assertThat(row(DType.F16, 3, 0x00, 0x3c, 0x01, 0x00, 0xff, 0xfb)).containsExactly(1f, 0x1p-24f, -65504f);
  }

  @Test
  void q8Block() {
    int[] block = new int[34];
    block[1] = 0x38; // 0.5
    block[2] = 127;
    block[3] = -128;
    block[33] = 3;
    float[] expected = new float[32];
    expected[0] = 63.5f;
    expected[1] = -64f;
    expected[31] = 1.5f;
    assertThat(row(DType.Q8_0, 32, block)).isEqualTo(expected);
  }

  @Test
  void q4BlockHasLowNibblesFirst() {
    int[] block = new int[18];
    block[1] = 0x40; // 2.0
    for (int i = 0; i < 16; i++) {
      block[2 + i] = i | (15 - i) << 4;
    }
    float[] out = row(DType.Q4_0, 32, block);
    for (int i = 0; i < 16; i++) {
      assertThat(out[i]).isEqualTo(2f * (i - 8));
      assertThat(out[16 + i]).isEqualTo(2f * (7 - i));
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void productIsCloseToDoubles(DType dtype) {
    int cols = 2048;
    Samples samples = new Samples(7);
    WeightMatrix weight = samples.matrix(dtype, 3, cols, Values.ORDINARY);
    float[] x = samples.floats(cols, Values.ORDINARY);
    float[] out = new float[3];
    float[] w = new float[cols];
    kernels.matmul(weight, 0, 3, x, 0, cols, 1, out, 0, 3);
    for (int r = 0; r < 3; r++) {
      kernels.dequantize(weight, r, w, 0);
      double sum = 0;
      double magnitude = 0;
      for (int k = 0; k < cols; k++) {
        sum += (double) w[k] * x[k];
        magnitude += Math.abs((double) w[k] * x[k]);
      }
      assertThat((double) out[r]).isCloseTo(sum, within(magnitude * cols * 0x1p-24));
    }
  }

  /** The lanes and the tree, written out: 1 is lost beside 2^24 unless it is added in the defined order. */
  @Test
  void orderOfASum() {
    float[] x = new float[32];
    x[0] = 0x1p24f;
    x[8] = 1f;
    x[16] = 1f;
    assertThat(ExactMath.sum(x, 0, 32)).isEqualTo(0x1p24f);
    x[16] = 0f;
    x[24] = 1f; // the same lane as x[8]: 2 survives
    assertThat(ExactMath.sum(x, 0, 32)).isEqualTo(0x1p24f + 2f);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 13, 16, 207, 4098})
  void softmaxAddsUpToOne(int n) {
    float[] x = new Samples(n).floats(n, Values.ORDINARY);
    kernels.softmax(x, 0, n);
    double sum = 0;
    for (float value : x) {
      assertThat(value).isBetween(0f, 1f);
      sum += value;
    }
    assertThat(sum).isCloseTo(1.0, within(n * 0x1p-23));
  }

  @Test
  void rmsNormAndSiluAndRotation() {
    float[] x = {3f, 4f};
    kernels.rmsNorm(x, 0, new float[]{1f, 2f}, 0f, x, 0);
    assertThat(x[0]).isCloseTo(3f / (float) Math.sqrt(12.5), within(1e-6f));
    assertThat(x[1]).isCloseTo(8f / (float) Math.sqrt(12.5), within(1e-6f));

    float[] up = {5f, 2f, 1f};
    kernels.gatedSilu(new float[]{0f, 1f, -200f}, 0, up, 0, 3);
    assertThat(up[0]).isZero();
    assertThat(up[1]).isCloseTo(2f * 0.7310586f, within(1e-6f));
    assertThat(up[2]).isCloseTo(0f, within(1e-30f));

    float[] clamped = {-20f, 0.5f};
    kernels.clampedSwish(new float[]{9f, -1f}, 0, clamped, 0, 2, 1.702f, 7f);
    assertThat(clamped[0]).isCloseTo(-6f * 7f, within(1e-3f));
    assertThat(clamped[1]).isCloseTo(1.5f * -1f * 0.1542042f, within(1e-6f));

    float[] row = {1f, 3f};
    kernels.layerNorm(row, 0, new float[]{2f, 2f}, new float[]{0f, 10f}, 0f, row, 0);
    assertThat(row).containsExactly(-2f, 12f);

    float[] neighbours = {1f, 0f, 0f, 1f};
    kernels.rotateInterleaved(neighbours, 0, 4, new float[]{0f, 1f}, new float[]{1f, 0f}, 0);
    assertThat(neighbours).containsExactly(0f, 1f, 0f, 1f);

    float[] pair = {1f, 0f, 0f, 1f};
    kernels.rotateHalf(pair, 0, 4, new float[]{0f, 1f}, new float[]{1f, 0f}, 0);
    assertThat(pair).containsExactly(0f, 0f, 1f, 1f);
  }
}
