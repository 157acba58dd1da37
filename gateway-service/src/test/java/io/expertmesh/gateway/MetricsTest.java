package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MetricsTest {
  private final TestGateway gateway = new TestGateway();
  private String metrics = "";

  @BeforeAll
  void someRequests() throws Exception {
    gateway.answer("/v1/completions", "{\"prompt\": \"a b c\", \"max_tokens\": 5, \"n\": 2}");
    gateway.stream("/v1/completions", "{\"prompt\": \"a b c\", \"max_tokens\": 5, \"stream\": true}");
    gateway.post("/v1/completions", "{}");
    gateway.get("/some/path");
    gateway.get("/some/other/path");
    metrics = gateway.get("/metrics").body();
  }

  @AfterAll
  void stop() {
    gateway.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
          "expertmesh_requests_total{endpoint=\"/v1/completions\",status=\"200\"} 2.0",
          "expertmesh_requests_total{endpoint=\"/v1/completions\",status=\"400\"} 1.0",
          "expertmesh_requests_total{endpoint=\"other\",status=\"404\"} 2.0",
          "expertmesh_request_duration_seconds_count{endpoint=\"/v1/completions\"} 3",
          "expertmesh_time_to_first_token_seconds_count 3",
          "expertmesh_time_per_output_token_seconds_count 3",
          "expertmesh_requests_running 0.0",
          "expertmesh_requests_waiting 0.0",
          "expertmesh_requests_blocked 0.0",
          "expertmesh_blocked_requests_total 7.0",
          "expertmesh_degraded_requests_total 8.0",
          "expertmesh_answers_total{version=\"v1\"} 3.0",
          "expertmesh_queue_capacity 64.0",
          "expertmesh_batch_rows 1.0",
          "expertmesh_kv_pages_used_ratio 0.25",
          "expertmesh_prompt_tokens_total 100.0",
          "expertmesh_generated_tokens_total 50.0",
          "expertmesh_expert_tokens_total{experts=\"0-1\",layer=\"0\"} 3.0",
          "expertmesh_expert_tokens_total{experts=\"14-15\",layer=\"0\"} 31.0",
          "expertmesh_expert_tokens_total{experts=\"14-15\",layer=\"1\"} 0.0",
          "vllm:num_requests_running{model_name=\"demo\"} 0.0",
          "vllm:num_requests_waiting{model_name=\"demo\"} 0.0",
          "vllm:kv_cache_usage_perc{model_name=\"demo\"} 0.25",
          "vllm:prompt_tokens_total{model_name=\"demo\"} 100.0",
          "vllm:generation_tokens_total{model_name=\"demo\"} 50.0"})
  void aLineIsThere(String line) {
    assertThat(metrics).contains(line);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"expertmesh_time_to_first_token_seconds_bucket", "jvm_memory_used_bytes", "jvm_gc_",
          "process_uptime_seconds"})
  void aFamilyIsThere(String family) {
    assertThat(metrics).containsPattern("(?m)^" + family);
  }

  @Test
  void openMetricsIsSpokenToThoseWhoAsk() throws Exception {
    var response = gateway.send(gateway.request("/metrics").header("Accept", "application/openmetrics-text").build());
    assertThat(response.headers().firstValue("Content-Type").orElse("")).startsWith("application/openmetrics-text");
    assertThat(response.body()).endsWith("# EOF\n");
  }

  @Test
  void singleExpertsAreASnapshot() throws Exception {
    JsonNode load = TestGateway.JSON.readTree(gateway.get("/v1/expertmesh/routing/load").body());
    assertThat(load.get("moe_layers").toString()).isEqualTo("[0,1]");
    assertThat(load.at("/tokens/0/15").longValue()).isEqualTo(16);
  }
}
