package io.expertmesh.model.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Capacity;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.golden.GoldenCase;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What configurations mean that the golden cases do not have, and which are refused. */
class FamilyConfigTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock = """
          phimoe-longrope-f32 | num_experts_per_tok | 3 | "num_experts_per_tok" is 3; phimoe models choose 2
          phimoe-longrope-f32 | router_jitter_noise | -0.1 | "router_jitter_noise" is -0.1
          phimoe-longrope-f32 | rope_scaling | {"type": "yarn", "factor": 2} | supported for phimoe: default, longrope
          phimoe-longrope-f32 | rope_scaling | {"type": "longrope", "long_mscale": 1} | "rope_scaling.long_factor"
          llama-plain-f32 | rope_parameters | {"rope_type": "longrope"} | supported for llama: default, divided, linear
          gpt-oss-f32 | rope_parameters | null | neither "rope_parameters" nor "rope_scaling"
          """)
  void whatIsNotSupportedOrSaysTooLittleIsRefused(String name, String field, String value, String message) {
    ObjectNode config = config(name);
    config.set(field, JsonMapper.shared().readTree(value));
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> architecture(config))
        .matches(e -> e.category() == FailureCategory.INVALID_CHECKPOINT).withMessageContaining(message);
  }

  /** The f32 next to 0.6 is larger than 0.6. */
  @Test
  void sixTenthsOfFiveTokensAreThree() {
    ObjectNode config = config("nllb-tight-f32");
    config.put("moe_eval_capacity_token_fraction", 0.6);
    Capacity capacity = Objects.requireNonNull(architecture(config).mixture().orElseThrow().router().capacity());
    assertThat(capacity.of(5, 4, 2)).isEqualTo(3);
    assertThat(capacity.of(6, 4, 2)).isEqualTo(4);
  }

  private static Architecture architecture(ObjectNode json) {
    ModelConfig config = new ModelConfig("test", json);
    return ModelFamilies.of(config).architecture(config);
  }

  private static ObjectNode config(String name) {
    return (ObjectNode) JsonMapper.shared().readTree(GoldenCase.of(name).folder().resolve("config.json"));
  }
}
