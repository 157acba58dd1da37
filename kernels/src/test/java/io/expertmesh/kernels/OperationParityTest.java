package io.expertmesh.kernels;

import static io.expertmesh.kernels.KernelsUnderTest.assertSameBits;

import io.expertmesh.kernels.Samples.Values;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Everything but the matrix products gives the bits of {@link ScalarKernels}. */
@Tag("parity")
@SuppressWarnings("NullAway.Init")
class OperationParityTest {
  private static final int OFFSET = 3;

  private final ScalarKernels reference = new ScalarKernels();
  private Kernels kernels;

  @BeforeEach
  void select() {
    kernels = KernelsUnderTest.get();
  }

  static Stream<Arguments> runs() {
    return IntStream.of(1, 2, 3, 4, 7, 8, 13, 15, 16, 17, 31, 32, 48, 64, 207, 702, 2048, 4098).boxed()
        .flatMap(n -> Arrays.stream(Values.values()).map(values -> Arguments.of(n, values)));
  }

  /** An operation on the run of floats that starts at {@link #OFFSET}. */
  private interface InPlace {
    void apply(Kernels kernels, float[] x);
  }

  private void assertParity(String what, float[] x, InPlace operation) {
    float[] expected = x.clone();
    float[] actual = x.clone();
    operation.apply(reference, expected);
    operation.apply(kernels, actual);
    assertSameBits(actual, expected, what);
  }

  @ParameterizedTest
  @MethodSource("runs")
  void elementwise(int n, Values values) {
    Samples samples = new Samples(n);
    float[] x = samples.floats(n + 2 * OFFSET, values);
    float[] other = samples.floats(n + 1, values);
    float[] scaled = x.clone(); // up to 100, so that exp is tried over all its range
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= 100f;
    }
    assertParity("softmax", x, (k, y) -> k.softmax(y, OFFSET, n));
    assertParity("softmax of large", scaled, (k, y) -> k.softmax(y, OFFSET, n));
    assertParity("silu", x, (k, y) -> k.gatedSilu(other, 1, y, OFFSET, n));
    assertParity("silu of large", x, (k, y) -> k.gatedSilu(scaled, OFFSET, y, OFFSET, n));
    assertParity("clampedSwish", x, (k, y) -> k.clampedSwish(other, 1, y, OFFSET, n, 1.702f, 0.7f));
    assertParity("clampedSwish of large", scaled, (k, y) -> k.clampedSwish(scaled, OFFSET, y, OFFSET, n, 1.702f, 7f));
    assertParity("relu", x, (k, y) -> k.relu(y, OFFSET, n));
    assertParity("multiply", x, (k, y) -> k.multiply(other, 1, y, OFFSET, n));
    assertParity("addScaled", x, (k, y) -> k.addScaled(y, OFFSET, other, 1, 0.37f, n));
    float[] weight = samples.floats(n, values);
    assertParity("rmsNorm in place", x, (k, y) -> k.rmsNorm(y, OFFSET, weight, 1e-5f, y, OFFSET));
    float[] bias = samples.floats(n, values);
    assertParity("layerNorm in place", x, (k, y) -> k.layerNorm(y, OFFSET, weight, bias, 1e-5f, y, OFFSET));
    assertParity("layerNorm", new float[n + 4], (k, y) -> k.layerNorm(x, OFFSET, weight, null, 1e-6f, y, 2));
    assertParity("rmsNorm", new float[n + 4], (k, y) -> k.rmsNorm(x, OFFSET, weight, 1e-6f, y, 2));
    if (n % 2 == 0) {
      float[] cos = samples.floats(n, values);
      float[] sin = samples.floats(n, values);
      assertParity("rotateHalf", x, (k, y) -> k.rotateHalf(y, OFFSET, n, cos, sin, n / 4));
      assertParity("rotateInterleaved", x, (k, y) -> k.rotateInterleaved(y, OFFSET, n, cos, sin, n / 4));
    }
  }

  @Test
  void nothing() {
    assertParity("softmax", new float[4], (k, y) -> k.softmax(y, OFFSET, 0));
    assertParity("silu", new float[4], (k, y) -> k.gatedSilu(y, OFFSET, y, OFFSET, 0));
    assertParity("addScaled", new float[4], (k, y) -> k.addScaled(y, OFFSET, y, OFFSET, 2f, 0));
  }

  /** All scores masked: NaN everywhere, as in the reference, not a crash or a zero. */
  @Test
  void softmaxOfMinusInfinity() {
    float[] x = new float[OFFSET + 33];
    Arrays.fill(x, Float.NEGATIVE_INFINITY);
    assertParity("softmax", x, (k, y) -> k.softmax(y, OFFSET, 33));
    x[OFFSET + 20] = 1f;
    assertParity("softmax", x, (k, y) -> k.softmax(y, OFFSET, 33));
  }

  static Stream<Arguments> attentions() {
    return IntStream.of(1, 3, 16, 17).boxed().flatMap(page -> IntStream.of(1, 13, 16, 64, 80, 128, 207).boxed()
        .flatMap(head -> Arrays.stream(Values.values()).map(values -> Arguments.of(page, head, values))));
  }

  @ParameterizedTest
  @MethodSource("attentions")
  void attention(int pageTokens, int headDim, Values values) {
    Samples samples = new Samples(pageTokens * 1000L + headDim);
    int positions = 70;
    int heads = 2;
    int pages = (positions + pageTokens - 1) / pageTokens;
    int headSize = pageTokens * headDim;
    float[][] keys = new float[pages][];
    float[][] valuePages = new float[pages][];
    for (int p = 0; p < pages; p++) {
      keys[p] = samples.floats(heads * headSize, values);
      valuePages[p] = samples.floats(heads * headSize, values);
    }
    float[] query = samples.floats(headDim + OFFSET, values);
    float scale = (float) (1 / Math.sqrt(headDim));
    int[][] ranges = {{0, 1}, {0, 2}, {0, 16}, {0, positions}, {1, 18}, {17, 33}, {positions - 1, positions}, {5, 5}};
    for (int[] range : ranges) {
      assertParity("scores over " + Arrays.toString(range), new float[positions],
          (k, out) -> k.scores(query, OFFSET, headDim, keys, pageTokens, headSize, range[0], range[1], scale, out));
      float[] weights = samples.floats(positions, values);
      assertParity("weighted sum over " + Arrays.toString(range), new float[headDim + 3 * OFFSET],
          (k, out) -> k.weightedSum(weights, valuePages, pageTokens, headSize, headDim, headDim, range[0], range[1],
              out, OFFSET));
      assertParity("weighted sum of parts over " + Arrays.toString(range), new float[headDim + 3 * OFFSET],
          (k, out) -> k.weightedSum(weights, valuePages, pageTokens, headSize, headDim / 2, headDim, range[0],
              range[1], out, OFFSET));
    }
  }
}
