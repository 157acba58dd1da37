package io.expertmesh.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.device.LoadedExpert;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The device's kernels against the scalar reference. */
final class ParityTest {
  private static final float EXACT_WEIGHTS = 1e-5f;
  /** Weights that were rounded to 11 bits. */
  private static final float ROUNDED_WEIGHTS = 1e-3f;
  private static final Activation SILU = new Activation.GatedSilu();

  static Stream<Arguments> types() {
    return Stream.of(
        Arguments.of(DType.F32, 70, 37, EXACT_WEIGHTS),
        Arguments.of(DType.F16, 70, 37, EXACT_WEIGHTS),
        Arguments.of(DType.F16, 192, 64, EXACT_WEIGHTS),
        Arguments.of(DType.BF16, 71, 35, EXACT_WEIGHTS),
        Arguments.of(DType.BF16, 64, 320, EXACT_WEIGHTS),
        Arguments.of(DType.Q8_0, 96, 32, EXACT_WEIGHTS),
        Arguments.of(DType.Q4_0, 96, 160, EXACT_WEIGHTS),
        Arguments.of(DType.MXFP4, 96, 160, EXACT_WEIGHTS),
        Arguments.of(DType.Q8_0, 192, 128, EXACT_WEIGHTS),
        Arguments.of(DType.Q4_0, 128, 192, EXACT_WEIGHTS),
        Arguments.of(DType.MXFP4, 64, 64, EXACT_WEIGHTS));
  }

  @ParameterizedTest
  @MethodSource("types")
  void everyTypeInEveryKernel(DType dtype, int hidden, int size, float tolerance) {
    compare(dtype, dtype, SILU, hidden, size, false, new int[][]{{1}, {2}, {3}, {0, 7, 0}, {33, 0, 1}, {130},
        {1, 1, 1}, {60, 3, 67}, {0, 0, 513}}, tolerance);
  }

  /** Rows far from 1, each in its own way: what comes of one row does not depend on the others. */
  @ParameterizedTest
  @CsvSource({"F16", "BF16", "Q8_0", "Q4_0"})
  void rowsOfAnyMagnitude(DType dtype) {
    RandomExperts random = new RandomExperts(11);
    List<ExpertWeights> experts = List.of(random.expert(4, 0, new Activation.Relu(), dtype, dtype, 64, 128, false));
    try (ExpertDevice device = TestDevice.open(40)) {
      List<LoadedExpert> loaded = experts.stream().map(device::load).toList();
      float[] x = random.floats(40 * 64);
      for (int i = 0; i < x.length; i++) {
        x[i] = Math.scalb(x[i], i / 64 * 3 - 60);
      }
      float[] out = new float[x.length];
      device.forward(loaded, new int[]{0, 40}, x, out);
      assertThat(Reference.difference(out, Reference.forward(experts, new int[]{0, 40}, x), 40, 64))
          .isLessThan(EXACT_WEIGHTS);
    }
  }

  @ParameterizedTest
  @CsvSource({"Q5_0,F16,1e-5", "F4_E2M1,Q8_0,1e-5", "F8_E4M3,BF16,1e-3", "Q4_1,Q5_1,1e-3", "BF16,F32,1e-5"})
  void typesThatAreConverted(DType wide, DType down, float tolerance) {
    compare(wide, down, SILU, 64, 96, false, new int[][]{{1, 0, 2}}, tolerance);
  }

  @ParameterizedTest
  @CsvSource({"Q4_K", "Q5_K", "Q6_K"})
  void typesThatAreRounded(DType dtype) {
    compare(dtype, dtype, SILU, 256, 256, false, new int[][]{{1, 0, 2}}, ROUNDED_WEIGHTS);
  }

  static Stream<Arguments> activations() {
    return Stream.of(
        Arguments.of(new Activation.DoubleGatedSilu(), false),
        Arguments.of(new Activation.ClampedSwish(1.702f, 0.75f), true),
        Arguments.of(new Activation.Relu(), false),
        Arguments.of(new Activation.Relu(), true),
        Arguments.of(SILU, true));
  }

  @ParameterizedTest
  @MethodSource("activations")
  void everyActivationWithAndWithoutBiases(Activation activation, boolean biases) {
    compare(DType.F32, DType.F32, activation, 48, 21, biases, new int[][]{{1, 2, 0}, {33, 0, 5}}, EXACT_WEIGHTS);
  }

  /** Gate and up rows in turn, scales beside the blocks, biases. */
  @Test
  void gptOssAsItIsStored() {
    RandomExperts random = new RandomExperts(7);
    List<ExpertWeights> experts = new ArrayList<>();
    for (int id = 0; id < 3; id++) {
      ExpertWeights separate = random.expert(4, id, new Activation.ClampedSwish(1.702f, 0.75f), DType.F32,
          DType.F4_E2M1, 64, 96, true);
      WeightMatrix both = random.matrix("gate_up", DType.F4_E2M1, 192, 64);
      experts.add(new ExpertWeights(4, id, separate.activation(), both.everyNth("gate", 0, 2),
          both.everyNth("up", 1, 2), separate.down(), separate.biases()));
    }
    compare(experts, random, new int[][]{{1, 0, 2}}, EXACT_WEIGHTS);
  }

  private static void compare(DType wide, DType down, Activation activation, int hidden, int size, boolean biases,
      int[][] steps, float tolerance) {
    RandomExperts random = new RandomExperts(hidden * 31L + size);
    List<ExpertWeights> experts = new ArrayList<>();
    for (int id = 0; id < 3; id++) {
      experts.add(random.expert(4, id, activation, wide, down, hidden, size, biases));
    }
    compare(experts, random, steps, tolerance);
  }

  /**
   * @param steps of each the rows of the experts 0, 1, ...
   */
  private static void compare(List<ExpertWeights> experts, RandomExperts random, int[][] steps, float tolerance) {
    ExpertWeights first = experts.getFirst();
    int most = 0;
    for (int[] step : steps) {
      int rows = 0;
      for (int n : step) {
        rows += n;
      }
      most = Math.max(most, rows);
    }
    try (ExpertDevice device = TestDevice.open(most)) {
      device.reserve(List.of(first), experts.size());
      List<LoadedExpert> loaded = experts.stream().map(device::load).toList();
      float worst = 0f;
      for (int[] step : steps) {
        float difference = compare(device, experts, loaded, step, random, first.hidden());
        assertThat(difference).as("rows of each expert: %s", Arrays.toString(step)).isLessThan(tolerance);
        worst = Math.max(worst, difference);
      }
      System.out.printf("parity: %s %s %s %d x %d%s: %.1e%n", first.up().dtype(), first.down().dtype(),
          first.activation(), first.hidden(), first.size(), first.biases() == null ? "" : " with biases", worst);
    }
  }

  /** The largest difference of a step. */
  private static float compare(ExpertDevice device, List<ExpertWeights> experts, List<LoadedExpert> loaded, int[] step,
      RandomExperts random, int hidden) {
    List<ExpertWeights> active = new ArrayList<>();
    List<LoadedExpert> held = new ArrayList<>();
    int[] starts = new int[step.length + 1];
    for (int id = 0; id < step.length; id++) {
      if (step[id] > 0) {
        active.add(experts.get(id));
        held.add(loaded.get(id));
        starts[active.size()] = starts[active.size() - 1] + step[id];
      }
    }
    int rows = starts[active.size()];
    float[] x = random.floats(rows * hidden);
    float[] out = new float[rows * hidden];
    device.forward(held, starts, x, out);
    return Reference.difference(out, Reference.forward(active, starts, x), rows, hidden);
  }
}
