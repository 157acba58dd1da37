package io.expertmesh.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.golden.GoldenCase;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives with the training framework's names become folders that give the same bits. */
class T5xConversionTest {
  private static final GoldenCase GOLDEN = GoldenCase.of("openmoe-drop-f32");
  private static final Path CONFIG = GOLDEN.folder().resolve("config.json");

  @TempDir
  private Path temporary;

  private static Path archive(String name) {
    return GOLDEN.folder().resolve("t5x").resolve(name);
  }

  private Convert.Result convert(Path weights, Path config) {
    return T5xConversion.toFolder(weights, config, temporary.resolve("out"), null, Progress.NONE);
  }

  private static float[] logits(Path folder) {
    BoundModel model = BoundModel.of(SafetensorsCheckpoint.open(folder), new ScalarKernels());
    return new ReferenceDecoder(model.architecture(), model.weights(), (stage, values) -> {})
        .logits(GOLDEN.prompts(0).getFirst().tokenIds());
  }

  @ParameterizedTest
  @ValueSource(strings = {"weights.npz", "weights.safetensors"})
  void theConvertedFolderHasTheBytesAndLogitsOfTheCheckpoint(String name) {
    Convert.Result result = convert(archive(name), CONFIG);
    Checkpoint original = SafetensorsCheckpoint.open(GOLDEN.folder());
    Checkpoint converted = SafetensorsCheckpoint.open(result.file());
    assertThat(converted.tensors().keySet()).isEqualTo(original.tensors().keySet());
    original.tensors().forEach((tensor, expected) -> {
      Tensor actual = Objects.requireNonNull(converted.tensors().get(tensor));
      assertThat(actual.shape()).as(tensor).isEqualTo(expected.shape());
      assertThat(actual.data().toArray(ValueLayout.JAVA_BYTE)).as(tensor)
          .isEqualTo(expected.data().toArray(ValueLayout.JAVA_BYTE));
    });
    assertThat(logits(result.file())).isEqualTo(logits(GOLDEN.folder()));
    assertThat(result.notes()).singleElement().asString().contains("spiece.model");
  }

  @Test
  void theTypeCanBeChosen() {
    Path folder = temporary.resolve("bf16");
    T5xConversion.toFolder(archive("weights.npz"), CONFIG, folder, DType.BF16, Progress.NONE);
    assertThat(SafetensorsCheckpoint.open(folder).tensors().values())
        .allSatisfy(tensor -> assertThat(tensor.dtype()).isEqualTo(DType.BF16));
    assertThatThrownBy(() -> T5xConversion.toFolder(archive("weights.npz"), CONFIG, temporary.resolve("q"), DType.Q8_0,
        Progress.NONE)).isInstanceOf(FailureException.class).hasMessageContaining("choose bf16, f16 or f32");
  }

  @ParameterizedTest
  @CsvSource({"num_experts, 4, 'mlp/router/router_weights/w/kernel has shape [32, 8], but'",
      "moe_layer_interval, 1, layers_0/mlp/router/router_weights/w/kernel is missing",
      "num_hidden_layers, 2, layers_2", "head_dim, 0, has the head_dim 0"})
  void aConfigurationThatContradictsTheArchiveIsRefused(String field, int value, String message) throws IOException {
    Path config = temporary.resolve("config.json");
    Files.writeString(config, Files.readString(CONFIG).replaceFirst("\"" + field + "\": \\d+",
        "\"" + field + "\": " + value));
    assertThatThrownBy(() -> convert(archive("weights.npz"), config)).isInstanceOf(FailureException.class)
        .hasMessageContaining(message);
    assertThat(temporary.resolve("out")).doesNotExist();
  }

  private AbstractThrowableAssert<?, ?> assertRefused(String name, String header, int bytes) throws IOException {
    Path npz = temporary.resolve("bad.npz");
    try (OutputStream out = Files.newOutputStream(npz); ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry(name));
      zip.write(new byte[]{(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) header.length(), 0});
      zip.write(header.getBytes(StandardCharsets.UTF_8));
      zip.write(new byte[bytes]);
    }
    return assertThatThrownBy(() -> convert(npz, CONFIG)).isInstanceOf(FailureException.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '"',
      value = {
          "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }; 16; has the type <i8",
          "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }; 16; Fortran order",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }; 15; needs 85 bytes, but has 84",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (3037000500, 3037000500), }; 15; impossible shape",
          "{'descr': '<f4', 'shape': (2, 2), }; 16; a header that numpy does not write",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (), }; 4; is missing"})
  void damagedArraysAreRefused(String header, int bytes, String message) throws IOException {
    assertRefused("a.npy", header, bytes).hasMessageContaining(message);
  }

  @Test
  void whatIsNoArchiveIsRefused() throws IOException {
    assertRefused("readme.txt", "{}", 0).hasMessageContaining("readme.txt, which is no .npy array");
    Path text = Files.writeString(temporary.resolve("text.npz"), "not a zip file");
    assertThatThrownBy(() -> convert(text, CONFIG)).hasMessageContaining("is not a whole .npz archive");
    byte[] whole = Files.readAllBytes(archive("weights.npz"));
    Path cut = Files.write(temporary.resolve("cut.npz"), Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> convert(cut, CONFIG)).hasMessageContaining("is not a whole .npz archive");
    assertThatThrownBy(() -> convert(temporary.resolve("none.npz"), CONFIG)).hasMessageContaining("no such file");
  }
}
