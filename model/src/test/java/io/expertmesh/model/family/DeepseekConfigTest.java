package io.expertmesh.model.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.LatentAttention;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import io.expertmesh.model.checkpoint.Tensor;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.golden.GoldenCase;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What configurations of DeepSeek's families and GLM's mean, and which are refused. */
class DeepseekConfigTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock = """
          deepseek-base-f32 | scoring_func | "sigmoid" | only "softmax" is supported
          deepseek-base-f32 | rope_scaling | {"type": "dynamic", "factor": 2} | has the type "dynamic"
          deepseek-base-f32 | partial_rotary_factor | 0.5 | deepseek models rotate whole heads
          deepseek-v2-lite-f32 | topk_method | "noaux_tc" | supported: greedy, group_limited_greedy
          deepseek-v2-lite-f32 | norm_topk_prob | true | "norm_topk_prob" is true
          deepseek-v2-lite-f32 | qk_rope_head_dim | 5 | rotated in pairs
          deepseek-v2-groups-f32 | n_group | 3 | has 8 experts in 3 groups
          deepseek-v2-groups-f32 | topk_group | 5 | "topk_group" is 5, not a whole number from 1 to 4
          deepseek-v2-groups-f32 | num_experts_per_tok | 5 | "num_experts_per_tok" is 5, but 2 of 4 groups of 2 experts have only 4
          deepseek-v3-groups-f32 | scoring_func | "softmax" | only "sigmoid" is supported
          deepseek-v3-groups-f32 | n_group | 8 | a group is ranked by its best 2 experts
          deepseek-v3-groups-f32 | num_key_value_heads | 2 | "num_key_value_heads" is 2
          deepseek-v3-groups-f32 | kv_lora_rank | null | has no "kv_lora_rank"
          glm4-moe-norms-f32 | partial_rotary_factor | 0.1 | 0 of 8 floats of a head would be rotated
          glm4-moe-norms-f32 | norm_topk_prob | null | has no "norm_topk_prob"
          """)
  void whatIsNotSupportedOrContradictsItselfIsRefused(String name, String field, String value, String message) {
    ObjectNode config = config(name);
    config.set(field, JsonMapper.shared().readTree(value));
    assertThatExceptionOfType(FailureException.class).isThrownBy(() -> architecture(config))
        .matches(e -> e.category() == FailureCategory.INVALID_CHECKPOINT).withMessageContaining(message);
  }

  @Test
  void latentAttentionIgnoresHeadDimAndKeepsOneLatentPerToken() {
    ObjectNode config = config("deepseek-v3-groups-f32");
    config.put("head_dim", 1000);
    LatentAttention attention = (LatentAttention) architecture(config).blocks().getFirst().residuals().getFirst()
        .operation();
    assertThat(attention.queryDim()).isEqualTo(6 + 4);
    assertThat(attention.cachedWidth()).isEqualTo(12 + 4);
  }

  /** The release has the layer after the last, which the configuration announces. */
  @Test
  void aLayerThatPredictsFurtherTokensIsIgnoredOnlyIfItIsAnnounced() {
    ObjectNode config = config("deepseek-v3-groups-f32");
    assertThat(BoundModel.of(checkpoint(config), new ScalarKernels()).architecture().blocks()).hasSize(3);
    config.put("num_nextn_predict_layers", 0);
    assertThatExceptionOfType(FailureException.class)
        .isThrownBy(() -> BoundModel.of(checkpoint(config), new ScalarKernels()))
        .withMessageContaining("tensor model.layers.3.").withMessageContaining("is not part of a deepseek_v3 model");
  }

  private static Architecture architecture(ObjectNode json) {
    ModelConfig config = new ModelConfig("test", json);
    return ModelFamilies.of(config).architecture(config);
  }

  private static ObjectNode config(String name) {
    return (ObjectNode) JsonMapper.shared().readTree(GoldenCase.of(name).folder().resolve("config.json"));
  }

  /** The tensors of the golden DeepSeek-V3 with another configuration. */
  private static Checkpoint checkpoint(JsonNode config) {
    Checkpoint golden = SafetensorsCheckpoint.open(GoldenCase.of("deepseek-v3-groups-f32").folder());
    return new Checkpoint() {
      @Override
      public Path location() {
        return golden.location();
      }

      @Override
      public JsonNode config() {
        return config;
      }

      @Override
      public Map<String, Tensor> tensors() {
        return golden.tensors();
      }
    };
  }
}
