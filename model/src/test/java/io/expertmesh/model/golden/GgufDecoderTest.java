package io.expertmesh.model.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.family.ModelFamilies;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A golden checkpoint computes the same as a GGUF file as it does as a folder. */
class GgufDecoderTest {
  /** Llama 3's rotary factors come rounded. */
  private static final float TOLERANCE = 1e-4f;

  static List<Path> files() throws IOException {
    Path folder = GoldenCase.of("olmoe-base-f32").folder().resolveSibling("gguf");
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> ModelFamilies.supported()
          .contains(Checkpoint.open(file).config().path("model_type").stringValue())).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void logitsAreThoseOfTheFolder(Path file) {
    GoldenCase golden = GoldenCase.of(file.getFileName().toString().replace(".gguf", ""));
    Checkpoint gguf = Checkpoint.open(file);
    Checkpoint folder = Checkpoint.open(golden.folder());
    if (file.toString().contains("deepseek-v3-groups")) {
      // Its mscale is not its mscale_all_dim; GGUF has one of them. And GGUF has no layers for further tokens.
      ObjectNode config = gguf.config().deepCopy().asObject();
      config.set("num_nextn_predict_layers", folder.config().get("num_nextn_predict_layers"));
      folder = new Reconfigured(folder, config);
    }
    if (file.toString().contains("phimoe")) { // GGUF has one magnitude for short and long sequences, and no jitter
      folder = new Reconfigured(folder, gguf.config());
    }
    for (GoldenCase.Prompt prompt : golden.prompts(0)) {
      float[] expected = logits(folder, prompt.tokenIds());
      float[] actual = logits(gguf, prompt.tokenIds());
      if (file.toString().contains("llama-bias")) {
        for (int i = 0; i < expected.length; i++) {
          assertThat(Math.abs(actual[i] - expected[i])).isLessThan(TOLERANCE);
        }
      } else {
        assertThat(actual).isEqualTo(expected);
      }
    }
  }

  private static float[] logits(Checkpoint checkpoint, int[] ids) {
    BoundModel model = BoundModel.of(checkpoint, new ScalarKernels());
    return new ReferenceDecoder(model.architecture(), model.weights(), (stage, values) -> {}).logits(ids);
  }

  private record Reconfigured(Checkpoint source, JsonNode config) implements Checkpoint {
    @Override
    public Path location() {
      return source.location();
    }

    @Override
    public Map<String, Tensor> tensors() {
      return source.tensors();
    }
  }
}
