package io.expertmesh.model.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Convert;
import io.expertmesh.model.checkpoint.Progress;
import io.expertmesh.model.checkpoint.QuantizedCheckpoint;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Experts in another type than the model's. */
class ModelExpertsTest {
  private static final Path DEMO = Path.of("../models/demo");
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final int LAYERS = 4;
  private static final int WEIGHTS = 3 * 192 * 96;

  @TempDir
  private Path folder;

  private static ModelExperts open(Path location) {
    return ModelExperts.of(Checkpoint.open(location), KernelSelection.kernels());
  }

  private static List<WeightMatrix> matrices(ExpertWeights weights) {
    WeightMatrix gate = weights.gate();
    return gate == null ? List.of(weights.up(), weights.down()) : List.of(gate, weights.up(), weights.down());
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"Q8_0", "Q4_0", "F16", "BF16", "F32"})
  void haveTheBytesOfTheConvertedFile(DType dtype) {
    Path file = folder.resolve("demo.gguf");
    Convert.toGguf(DEMO, file, dtype, Progress.NONE);
    ModelExperts converted = open(file);
    ModelExperts held = open(DEMO).heldAs(dtype, Numerics.FAST);
    try (Arena memory = Arena.ofShared()) {
      List<WeightMatrix> mine = matrices(held.load(2, 7, memory));
      List<WeightMatrix> right = matrices(converted.load(2, 7, memory));
      for (int i = 0; i < right.size(); i++) {
        assertThat(mine.get(i).dtype()).isEqualTo(dtype);
        assertThat(mine.get(i).data().toArray(ValueLayout.JAVA_BYTE))
            .isEqualTo(right.get(i).data().toArray(ValueLayout.JAVA_BYTE));
        assertThat(mine.get(i).data().isMapped()).isEqualTo(dtype == DType.BF16);
      }
    }
    assertThat(held.bytes(7)).isEqualTo(LAYERS * dtype.bytes(WEIGHTS)).isEqualTo(converted.bytes(7));
    assertThat(held.ownBytes(7)).isEqualTo(dtype == DType.BF16 ? 0 : held.bytes(7));
    assertThat(held.isConverted()).isEqualTo(dtype != DType.BF16);
    assertThat(held.heldDtype()).isEqualTo(dtype.name().toLowerCase(Locale.ROOT));
    assertThat(held.dtype()).isEqualTo("bf16");
  }

  /** Matrices in their order, turned around, in turn with another, and in blocks with scales beside them. */
  @ParameterizedTest
  @ValueSource(strings = {"olmoe-base-f32", "openmoe-base-f32", "gpt-oss-f32", "gpt-oss-mxfp4-bf16"})
  void haveTheModelsValuesHoweverTheyAreStored(String golden) {
    ModelExperts model = open(GOLDEN.resolve(golden));
    int layer = model.architecture().moeLayers().getFirst();
    ModelExperts held = model.heldAs(DType.F32, Numerics.FAST);
    try (Arena memory = Arena.ofShared()) {
      List<WeightMatrix> mine = matrices(held.load(layer, 1, memory));
      List<WeightMatrix> right = matrices(model.load(layer, 1, memory));
      long bytes = 0;
      for (int i = 0; i < right.size(); i++) {
        assertThat(mine.get(i).dtype()).isEqualTo(DType.F32);
        for (int row = 0; row < right.get(i).rows(); row++) {
          assertThat(values(mine.get(i), row)).isEqualTo(values(right.get(i), row));
        }
        bytes += mine.get(i).data().byteSize();
      }
      assertThat(held.bytes(1)).isEqualTo(bytes * model.architecture().moeLayers().size());
    }
  }

  private static float[] values(WeightMatrix matrix, int row) {
    float[] values = new float[matrix.cols()];
    new ScalarKernels().dequantize(matrix, row, values, 0);
    return values;
  }

  @Test
  void areConvertedFromTheFilesAlsoIfTheModelIsQuantised() {
    Checkpoint quantized = QuantizedCheckpoint.of(Checkpoint.open(DEMO), DType.Q4_0, Progress.NONE);
    ModelExperts held = ModelExperts.of(quantized, KernelSelection.kernels()).heldAs(DType.BF16, Numerics.FAST);
    assertThat(held.dtype()).isEqualTo("q4_0");
    assertThat(held.heldDtype()).isEqualTo("bf16");
    assertThat(held.ownBytes(0)).as("the files' own memory").isZero();
    assertThat(held.load(0, 0, Arena.ofAuto()).up().data().isMapped()).isTrue();
  }

  @Test
  void rowsThatAreNoWholeNumberOfBlocksStayOrAreRefused() {
    ModelExperts held = open(GOLDEN.resolve("openmoe-base-f32")).heldAs(DType.Q8_0, Numerics.FAST); // 32 to 10
    assertThat(held.heldDtype()).isEqualTo("f32+q8_0");
    int layer = held.architecture().moeLayers().getFirst();
    assertThat(held.load(layer, 0, Arena.ofAuto()).up().dtype()).isEqualTo(DType.Q8_0);
    assertThat(held.load(layer, 0, Arena.ofAuto()).down().dtype()).isEqualTo(DType.F32);
    assertThatThrownBy(() -> open(GOLDEN.resolve("olmoe-base-f32")).heldAs(DType.Q4_0, Numerics.FAST))
        .isInstanceOfSatisfying(FailureException.class,
            failure -> assertThat(failure.category()).isEqualTo(FailureCategory.INVALID_REQUEST))
        .hasMessageContaining("--expert-dtype q4_0 has blocks of 32 weights")
        .hasMessageContaining("hidden size 48, expert size 20");
  }

  @Test
  void exactNumericsNeedTheModelsType() {
    assertThatThrownBy(() -> open(DEMO).heldAs(DType.Q8_0, Numerics.EXACT))
        .isInstanceOfSatisfying(FailureException.class,
            failure -> assertThat(failure.category()).isEqualTo(FailureCategory.INVALID_REQUEST))
        .hasMessageContaining("--numerics exact").hasMessageContaining("--expert-dtype q8_0")
        .hasMessageContaining("bf16").hasMessageContaining("expertmesh convert");
    assertThat(open(DEMO).heldAs(DType.BF16, Numerics.EXACT).isConverted()).isFalse();
    assertThat(open(DEMO).heldAs(null, Numerics.EXACT).isConverted()).isFalse();
  }
}
