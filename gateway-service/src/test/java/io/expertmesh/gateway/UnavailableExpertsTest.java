package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.api.Degradation;
import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.api.WhenUnavailable;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What requests may say about missing experts, and what responses say. */
class UnavailableExpertsTest {
  private static final List<Degradation> MISSING = List.of(new Degradation(0, List.of(5)),
      new Degradation(3, List.of(2, 7)));
  private static final String MISSING_JSON = "[{\"layer\":0,\"experts\":[5]},{\"layer\":3,\"experts\":[2,7]}]";

  private final TestGateway gateway = new TestGateway();

  @AfterEach
  void stop() {
    gateway.close();
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      /v1/completions      | "prompt": "a"
      /v1/chat/completions | "messages": [{"role": "user", "content": "a"}]
      """)
  void theRequestsWishReachesTheEngineAndIsRepeated(String path, String input) throws Exception {
    JsonNode answer = gateway.answer(path, "{" + input
        + ", \"max_tokens\": 2, \"expertmesh\": {\"unavailable_policy\": \"wait\", \"wait_seconds\": 1.5}}");
    assertThat(gateway.engine.last().whenUnavailable())
        .isEqualTo(new WhenUnavailable(UnavailablePolicy.WAIT, Duration.ofMillis(1500)));
    assertThat(answer.get("expertmesh").toString()).isEqualTo("{\"unavailable_policy\":\"wait\",\"degraded\":[]}");
  }

  @Test
  void withoutAWishTheConfigurationDecidesAndNothingIsSaid() throws Exception {
    assertThat(gateway.answer("/v1/completions", "{\"prompt\": \"a\"}").has("expertmesh")).isFalse();
    assertThat(gateway.engine.last().whenUnavailable()).isEqualTo(WhenUnavailable.STRICT);
    try (TestGateway dropping = new TestGateway(Map.of("expertmesh.unavailable-policy", "drop"))) {
      dropping.engine.degraded(MISSING);
      JsonNode answer = dropping.answer("/v1/completions", "{\"prompt\": \"a\", \"n\": 2}");
      assertThat(dropping.engine.last().whenUnavailable().policy()).isEqualTo(UnavailablePolicy.DROP);
      assertThat(answer.at("/expertmesh/unavailable_policy").stringValue()).isEqualTo("drop");
      assertThat(answer.at("/expertmesh/degraded").toString()).isEqualTo(MISSING_JSON);
    }
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      /v1/completions      | "prompt": "a"
      /v1/chat/completions | "messages": [{"role": "user", "content": "a"}]
      """)
  void streamsSayItInTheChunkThatEndsAChoice(String path, String input) throws Exception {
    gateway.engine.degraded(MISSING);
    List<JsonNode> chunks = gateway.stream(path, "{" + input + ", \"max_tokens\": 3, \"stream\": true, "
        + "\"stream_options\": {\"include_usage\": true}, \"expertmesh\": {\"unavailable_policy\": \"substitute\"}}");
    for (JsonNode chunk : chunks) {
      boolean last = chunk.at("/choices/0/finish_reason").isString();
      assertThat(chunk.has("expertmesh")).as(chunk.toString()).isEqualTo(last);
      if (last) {
        assertThat(chunk.at("/expertmesh/degraded").toString()).isEqualTo(MISSING_JSON);
      }
    }
  }

  @Test
  void aMissingExpertIsStatus503WithRetryAfter() throws Exception {
    gateway.engine.failAfter(0);
    HttpResponse<String> response = gateway.post("/v1/completions", "{\"prompt\": \"a\"}");
    assertThat(response.statusCode()).isEqualTo(503);
    assertThat(response.headers().firstValue("Retry-After")).hasValue("5");
    assertThat(TestGateway.JSON.readTree(response.body()).at("/error/message").stringValue())
        .isEqualTo("An expert is gone.");
  }
}
