package io.expertmesh.kernels;

import static io.expertmesh.kernels.KernelsUnderTest.assertSameBits;

import io.expertmesh.kernels.Samples.Values;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Matrix products and dequantisation give the bits of {@link ScalarKernels}. */
@Tag("parity")
@SuppressWarnings("NullAway.Init")
class MatmulParityTest {
  private static final int ROWS = 11;
  private static final int[][] ROW_RANGES = {{0, ROWS}, {1, 8}, {3, 4}, {5, 7}, {4, 4}};
  private static final int[] BATCHES = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17};

  private final ScalarKernels reference = new ScalarKernels();
  private Kernels kernels;

  @BeforeEach
  void select() {
    kernels = KernelsUnderTest.get();
  }

  static Stream<Arguments> shapes() {
    return Arrays.stream(DType.values()).flatMap(dtype -> columns(dtype).stream()
        .flatMap(cols -> Arrays.stream(Values.values()).map(values -> Arguments.of(dtype, cols, values))));
  }

  private static List<Integer> columns(DType dtype) {
    return switch (dtype.blockElements()) {
      case 1 -> List.of(1, 13, 16, 32, 48, 207, 702, 2048, 4098);
      case 2 -> List.of(2, 16, 48, 206, 2048);
      case 32 -> List.of(32, 96, 736, 2080);
      default -> List.of(256, 768, 2304);
    };
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void products(DType dtype, int cols, Values values) {
    assertSameProducts(new Samples(cols).matrix(dtype, ROWS, cols, values), values);
  }

  static Stream<Arguments> scaledShapes() {
    return Stream.of(DType.F8_E4M3, DType.F4_E2M1).flatMap(dtype -> Stream.of(32, 40, 128, 160, 2048, 2080)
        .flatMap(cols -> Arrays.stream(Values.values()).map(values -> Arguments.of(dtype, cols, values))));
  }

  @ParameterizedTest
  @MethodSource("scaledShapes")
  void productsOfScaledMatrices(DType dtype, int cols, Values values) {
    WeightMatrix weight = new Samples(cols).scaledMatrix(dtype, 140, cols, values);
    assertSameProducts(weight.slice("across a block of rows", 123, 123 + ROWS), values);
    assertSameRows(weight.slice("across a block of rows", 126, 130));
  }

  /** Views of rows in another order, as the formats with and without code of their own read them. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "Q8_0", "Q4_0", "Q4_K", "F4_E2M1"})
  void productsOfViews(DType dtype) {
    WeightMatrix plain = new Samples(1).matrix(dtype, 2 * ROWS + 2, 256, Values.ORDINARY);
    assertSameProducts(plain.everyNth("odd rows", 1, 2), Values.ORDINARY);
    WeightMatrix heads = new WeightMatrix("heads", dtype, plain.rows(), 256, plain.data(),
        new RowOrder.UnpairedHeads(6), null);
    assertSameProducts(heads, Values.ORDINARY);
    assertSameProducts(heads.slice("part", 5, 5 + ROWS), Values.ORDINARY);
  }

  private void assertSameProducts(WeightMatrix referenceWeight, Values values) {
    int cols = referenceWeight.cols();
    Samples samples = new Samples(cols);
    Matrix weight = kernels.prepare(referenceWeight);
    for (int n : BATCHES) {
      int xOffset = 5;
      int xStride = cols + 3;
      float[] x = samples.floats(xOffset + n * xStride, values);
      for (int[] range : ROW_RANGES) {
        int outOffset = 2;
        int outStride = ROWS + 4;
        float[] expected = new float[outOffset + n * outStride];
        Arrays.fill(expected, -7f); // what lies outside of the range has to stay
        float[] actual = expected.clone();
        reference.matmul(referenceWeight, range[0], range[1], x, xOffset, xStride, n, expected, outOffset, outStride);
        kernels.matmul(weight, range[0], range[1], x, xOffset, xStride, n, actual, outOffset, outStride);
        assertSameBits(actual, expected, "%s %s x %d rows".formatted(weight.name(), Arrays.toString(range), n));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void rows(DType dtype, int cols, Values values) {
    WeightMatrix weight = new Samples(cols).matrix(dtype, 3, cols, values);
    assertSameRows(weight);
  }

  /** Every f16, bf16 and f16 block scale there is. */
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q4_K"})
  void allScales(DType dtype) {
    assertSameRows(new Samples(1).countingBlocks(dtype, 64, 1024 * dtype.blockElements()));
  }

  private void assertSameRows(WeightMatrix weight) {
    Matrix prepared = kernels.prepare(weight);
    for (int row = 0; row < weight.rows(); row++) {
      float[] expected = new float[weight.cols() + 2];
      float[] actual = new float[weight.cols() + 2];
      reference.dequantize(weight, row, expected, 1);
      kernels.dequantize(prepared, row, actual, 1);
      assertSameBits(actual, expected, weight.name() + " row " + row);
    }
  }
}
