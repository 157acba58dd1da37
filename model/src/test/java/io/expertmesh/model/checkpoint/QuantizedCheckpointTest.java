package io.expertmesh.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.family.BoundModel;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuantizedCheckpointTest {
  private static final Path DEMO = Path.of("../models/demo");
  private static final int[] PROMPT = {2, 202, 300, 17, 5, 99};

  @TempDir
  private Path folder;

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"Q8_0", "Q4_0"})
  void servesTheBitsOfTheConvertedFile(DType dtype) {
    Path file = folder.resolve("demo.gguf");
    Convert.toGguf(DEMO, file, dtype, Progress.NONE);
    Checkpoint quantized = QuantizedCheckpoint.of(Checkpoint.open(DEMO), dtype, Progress.NONE);
    assertThat(quantized.tensors()).hasEntrySatisfying("model.layers.0.self_attn.q_proj.weight",
        tensor -> assertThat(quantized.load(tensor.matrix()).dtype()).isEqualTo(dtype));
    assertThat(quantized.tensors()).hasEntrySatisfying("model.layers.0.mlp.gate.weight",
        tensor -> assertThat(quantized.load(tensor.matrix()).dtype()).isEqualTo(DType.BF16));
    assertThat(logits(quantized)).isEqualTo(logits(Checkpoint.open(file))).isNotEqualTo(logits(Checkpoint.open(DEMO)));
  }

  private static float[] logits(Checkpoint checkpoint) {
    BoundModel model = BoundModel.of(checkpoint, new ScalarKernels());
    return new ReferenceDecoder(model.architecture(), model.weights(), (stage, values) -> {}).logits(PROMPT);
  }
}
