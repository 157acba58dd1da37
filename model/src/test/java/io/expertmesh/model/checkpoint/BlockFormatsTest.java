package io.expertmesh.model.checkpoint;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Every stored format against the values that gguf-py, torch and transformers give it (tools/golden/block_formats.py). */
class BlockFormatsTest {
  private static final Path FOLDER = Path.of("src/test/resources/golden/block-formats");
  private static final Map<String, Tensor> VALUES = SafetensorsFile.open(FOLDER.resolve("values.safetensors"));

  @TempDir
  Path folder;

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "MXFP4"})
  void ggufBlocks(DType dtype) {
    Tensor tensor = requireNonNull(GgufFile.open(FOLDER.resolve("formats.gguf")).tensors().get(dtype.name()));
    assertThat(tensor.dtype()).isEqualTo(dtype);
    assertValues(tensor.matrix(), expected(dtype.name()), 0);
  }

  @Test
  void fp8WithBlockScales() {
    Checkpoint checkpoint = Checkpoint.open(FOLDER);
    assertThat(checkpoint.tensors()).containsOnlyKeys("layer.weight", "experts.down_proj");
    WeightMatrix weight = requireNonNull(checkpoint.tensors().get("layer.weight")).matrix();
    assertValues(weight, expected("layer.weight"), 0);
    assertValues(weight.slice("rows", 3, 9), expected("layer.weight"), 3);
  }

  @Test
  void mxfp4WithScalesApart() {
    Tensor tensor = requireNonNull(Checkpoint.open(FOLDER).tensors().get("experts.down_proj"));
    assertThat(tensor.shape()).containsExactly(2L, 6L, 96L);
    assertValues(tensor.matrix(0), expected("experts.down_proj"), 0);
    assertValues(tensor.matrix(1), expected("experts.down_proj"), 6);
    assertThat(Quantizer.vector(tensor)).isEqualTo(expected("experts.down_proj"));
    float[] values = expected("experts.down_proj");
    WeightMatrix odd = tensor.matrix(0).everyNth("odd rows", 1, 2);
    for (int row = 0; row < 3; row++) {
      float[] actual = new float[96];
      new ScalarKernels().dequantize(odd, row, actual, 0);
      assertThat(actual).isEqualTo(java.util.Arrays.copyOfRange(values, (2 * row + 1) * 96, (2 * row + 2) * 96));
    }
  }

  /** FP8 is quantised as F32 of the same values would be; block formats stay what they are. */
  @Test
  void quantisedInMemory() {
    Checkpoint checkpoint = QuantizedCheckpoint.of(Checkpoint.open(FOLDER), DType.Q8_0, Progress.NONE);
    Tensor weight = requireNonNull(checkpoint.tensors().get("layer.weight"));
    WeightMatrix quantized = checkpoint.load(weight.matrix());
    assertThat(quantized.dtype()).isEqualTo(DType.Q8_0);
    byte[] bytes = new byte[10 * 68];
    Quantizer.fromFloats(expected("layer.weight"), 640, DType.Q8_0, java.lang.foreign.MemorySegment.ofArray(bytes), 0);
    assertThat(quantized.data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
    Tensor experts = requireNonNull(checkpoint.tensors().get("experts.down_proj"));
    assertThat(checkpoint.loadedType(experts.matrix(0))).isEqualTo(DType.F4_E2M1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock = """
          `"a":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]}`;        4;  tensor a_scale_inv is missing, the scales of a
          `"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}`;          4;  tensor a is F8_E4M3 with the shape [4]
          `"a":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]},"a_scale_inv":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]}`; 12; tensor a_scale_inv has the shape [2, 1], but the scales of a have [1, 1]
          `"a":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]},"a_scale_inv":{"dtype":"F16","shape":[1,1],"data_offsets":[4,6]}`; 6; tensor a_scale_inv cannot be the scales of a (scales are F32
          `"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}`;               4;  tensor a has dtype U8
          `"a_blocks":{"dtype":"U8","shape":[1,15],"data_offsets":[0,15]}`;    15; tensor a_blocks has dtype U8
          `"a_blocks":{"dtype":"U8","shape":[1,1,16],"data_offsets":[0,16]}`;  16; tensor a_scales is missing, the scales of a_blocks
          `"a_scales":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]}`;      1;  tensor a_scales has the scales of a_blocks, which is missing
          `"a_blocks":{"dtype":"U8","shape":[1,1,16],"data_offsets":[0,16]},"a_scales":{"dtype":"U8","shape":[1,2],"data_offsets":[16,18]}`; 18; tensor a_scales has the shape [1, 2]
          `"a_blocks":{"dtype":"U8","shape":[1,9223372036854775807,16],"data_offsets":[0,16]}`; 16; tensor a_blocks
          """)
  void refusesScalesThatDoNotFit(String entries, int bytes, String message) throws IOException {
    Files.writeString(folder.resolve("config.json"), "{\"quantization_config\":{\"weight_block_size\":[128,128]}}");
    Files.write(folder.resolve("model.safetensors"), SafetensorsBytes.file("{" + entries + "}", bytes));
    assertRefused(folder, message);
  }

  @Test
  void refusesFp8OfAnUnknownScheme() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    Files.write(folder.resolve("model.safetensors"),
        SafetensorsBytes.file("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2,2],\"data_offsets\":[0,4]}}", 4));
    assertRefused(folder, "weight_block_size none");
  }

  private static void assertRefused(Path location, String message) {
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> Checkpoint.open(location))
        .matches(e -> e.category() == FailureCategory.INVALID_CHECKPOINT).withMessageContaining(message);
  }

  private static float[] expected(String name) {
    return Quantizer.vector(requireNonNull(VALUES.get(name), name));
  }

  /** The rows of {@code actual}, by both kernels, are those from {@code firstRow} on, bit for bit. */
  private static void assertValues(WeightMatrix actual, float[] expected, int firstRow) {
    for (var kernels : List.of(new ScalarKernels(), KernelSelection.kernels())) {
      float[] row = new float[actual.cols()];
      for (int r = 0; r < actual.rows(); r++) {
        kernels.dequantize(actual, r, row, 0);
        for (int k = 0; k < row.length; k++) {
          float wanted = expected[(firstRow + r) * row.length + k];
          if (Float.floatToIntBits(row[k]) != Float.floatToIntBits(wanted)) {
            throw new AssertionError("%s %s row %d column %d is %s, not %s"
                .formatted(kernels.name(), actual.name(), r, k, row[k], wanted));
          }
        }
      }
    }
  }
}
