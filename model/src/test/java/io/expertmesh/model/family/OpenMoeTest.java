package io.expertmesh.model.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.architecture.Capacity;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.golden.GoldenCase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What OpenMoE's configuration means, and which are refused. */
class OpenMoeTest {
  private static final Path GOLDEN = GoldenCase.of("openmoe-base-f32").folder();

  @TempDir
  private Path folder;

  /** Capacities that the authors' code computed: even, then at least the minimum, which need not be even. */
  @ParameterizedTest
  @CsvSource({"2.0, 4, 2, 8, 23, 12", "2.0, 4, 2, 8, 37, 18", "0.6, 2, 2, 5, 7, 2", "2.0, 4, 2, 32, 7, 4",
      "1.0, 5, 1, 4, 4, 5", "1.25, 0, 2, 4, 8, 6"})
  void theCapacityIsThatOfTheAuthorsCode(double factor, int minimum, int topK, int experts, int tokens, int expected) {
    assertThat(new Capacity.EvenShare(factor, minimum).of(tokens, experts, topK)).isEqualTo(expected);
  }

  @Test
  void theClassDecidesAndLlamaStaysLlama() {
    ModelConfig openmoe = config(GOLDEN);
    assertThat(openmoe.modelType()).isEqualTo("llama");
    assertThat(ModelFamilies.of(openmoe)).isInstanceOf(OpenMoe.class);
    assertThat(ModelFamilies.of(openmoe).architecture(openmoe).wholePrompts()).isTrue();
    assertThat(ModelFamilies.of(config(GoldenCase.of("llama-plain-f32").folder()))).isInstanceOf(Llama.class);
  }

  private static ModelConfig config(Path folder) {
    return new ModelConfig(folder.toString(), SafetensorsCheckpoint.open(folder).config());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '\'',
      value = {
          "\"router_min_capacity\": 4; \"router_min_capacity\": 0; gives experts a capacity of 0",
          "\"router_min_capacity\": 4,; ''; has no \"router_min_capacity\"",
          "\"router_capacity_factor_eval\": 2.0,; ''; has no \"router_capacity_factor_eval\"",
          "\"router_capacity_factor_eval\": 2.0; \"router_capacity_factor_eval\": -1; not a number above 0",
          "\"router_drop_tks\": true; \"router_drop_tks\": false; does not obey",
          "\"router_topk\": 2; \"router_topk\": 3; not a whole number from 1 to 2",
          "\"num_experts\": 6; \"num_experts\": 8; the configuration asks for [8, 32",
          "\"mlp_gated\": true; \"mlp_gated\": false; only gated networks",
          "\"moe_layer_interval\": 2; \"moe_layer_interval\": 4; 'layers.1.mlp.gate_proj.weight is missing'"})
  void badConfigurationsAreRefused(String old, String replacement, String message) throws IOException {
    Files.copy(GOLDEN.resolve("model.safetensors"), folder.resolve("model.safetensors"));
    String config = Files.readString(GOLDEN.resolve("config.json"));
    assertThat(config).contains(old);
    Files.writeString(folder.resolve("config.json"), config.replace(old, replacement));
    assertThatThrownBy(() -> BoundModel.of(SafetensorsCheckpoint.open(folder), new ScalarKernels()))
        .isInstanceOf(FailureException.class).hasMessageContaining(message);
  }
}
