package io.expertmesh.model.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.model.golden.GoldenCase;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RelativeBiasTest {
  @ParameterizedTest
  @ValueSource(strings = {"switch-base-f32", "switch-tight-f32", "switch-untied-f32"})
  void everyDistanceHasTheBucketOfTransformers(String name) {
    GoldenCase golden = GoldenCase.of(name);
    JsonNode config = JsonMapper.shared().readTree(golden.folder().resolve("config.json").toFile());
    int buckets = config.path("relative_attention_num_buckets").intValue();
    int distance = config.path("relative_attention_max_distance").intValue();
    check(new RelativeBias(buckets, distance, true), golden.reference(), "encoder_buckets");
    check(new RelativeBias(buckets, distance, false), golden.reference(), "decoder_buckets");
  }

  private static void check(RelativeBias bias, JsonNode reference, String table) {
    int first = reference.path("first_distance").intValue();
    JsonNode expected = reference.path(table);
    assertThat(expected.size()).isGreaterThan(200);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(bias.bucket(first + i)).as("%s at distance %d", table, first + i)
          .isEqualTo(expected.get(i).intValue());
    }
  }
}
