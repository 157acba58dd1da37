package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.gateway.metrics.LoadReports;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.gateway.versions.ModelVersions.Version;
import io.expertmesh.gateway.versions.TrafficShares.Share;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.GatewayLoad;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Two versions of a model in one gateway. */
class VersionsTest {
  private static final String REQUEST = "{\"prompt\": \"a b c\", \"max_tokens\": 3}";

  private final ScriptedEngine canaryEngine = new ScriptedEngine();
  private final TestGateway gateway = new TestGateway(Map.of(),
      List.of(new Version("canary", TestGateway.model("demo-2", canaryEngine, TestGateway.CONTEXT))));

  @AfterEach
  void stop() {
    gateway.close();
    canaryEngine.close();
  }

  private static String fingerprint(JsonNode answer) {
    return answer.get("system_fingerprint").stringValue();
  }

  @Test
  void requestsUseTheMainVersionUntilSomethingSaysOtherwise() throws Exception {
    JsonNode answer = gateway.answer("/v1/completions", REQUEST);
    assertThat(fingerprint(answer)).isEqualTo("main");
    assertThat(answer.get("model").stringValue()).isEqualTo("demo");
    gateway.versions.traffic().set(List.of(new Share("canary", 100, List.of())));
    answer = gateway.answer("/v1/completions", REQUEST);
    assertThat(fingerprint(answer)).isEqualTo("canary");
    assertThat(answer.get("model").stringValue()).isEqualTo("demo");
    assertThat(canaryEngine.last().maxTokens()).isEqualTo(3);
    gateway.versions.traffic().set(List.of());
    assertThat(fingerprint(gateway.answer("/v1/completions", REQUEST))).isEqualTo("main");
  }

  @Test
  void aRequestMayNameItsVersion() throws Exception {
    String named = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"max_tokens\": 2, "
        + "\"expertmesh\": {\"version\": \"%s\"}}";
    assertThat(fingerprint(gateway.answer("/v1/chat/completions", named.formatted("canary")))).isEqualTo("canary");
    assertThat(fingerprint(gateway.answer("/v1/chat/completions", named.formatted("main")))).isEqualTo("main");
    assertThat(fingerprint(gateway.answer("/v1/chat/completions", named.formatted("gone")))).isEqualTo("main");
  }

  @Test
  void aRequestStaysWithItsVersionWhateverTheSharesBecome() throws Exception {
    gateway.versions.traffic().set(List.of(new Share("canary", 100, List.of())));
    Semaphore permits = canaryEngine.pause();
    List<JsonNode> chunks;
    Thread change = Thread.ofVirtual().start(() -> {
      while (canaryEngine.running() == 0) {
        Thread.onSpinWait();
      }
      gateway.versions.traffic().set(List.of());
      permits.release(100);
    });
    chunks = gateway.stream("/v1/completions", "{\"prompt\": \"a b c\", \"max_tokens\": 5, \"stream\": true}");
    change.join();
    assertThat(chunks).hasSizeGreaterThan(3).allSatisfy(chunk -> assertThat(fingerprint(chunk)).isEqualTo("canary"));
  }

  @Test
  void keysDecideBeforePercentages() throws Exception {
    String hash = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"; // of "secret"
    try (TestGateway keyed = new TestGateway(
        Map.of("expertmesh.keys[0].name", "tester", "expertmesh.keys[0].hash", hash),
        List.of(new Version("canary", TestGateway.model(canaryEngine))))) {
      keyed.versions.traffic()
          .set(List.of(new Share("main", 100, List.of()), new Share("canary", 0, List.of("tester"))));
      var response = keyed.send(keyed.request("/v1/completions").header("Authorization", "Bearer secret")
          .header("Content-Type", "application/json").POST(BodyPublishers.ofString(REQUEST)).build());
      assertThat(fingerprint(TestGateway.JSON.readTree(response.body()))).isEqualTo("canary");
    }
  }

  @Test
  void sharesAreKeptAndTheSameIdFallsIntoTheSame() {
    ModelVersions versions = gateway.versions;
    versions.traffic().set(List.of(new Share("canary", 10, List.of()), new Share("gone", 20, List.of())));
    long canary = IntStream.range(0, 20_000)
        .filter(i -> versions.choose("cmpl-" + i, null, "someone").name().equals("canary")).count();
    assertThat(canary).isBetween(1_850L, 2_150L);
    for (int i = 0; i < 100; i++) {
      assertThat(versions.choose("cmpl-" + i, null, null)).isEqualTo(versions.choose("cmpl-" + i, null, null));
    }
    versions.traffic().set(List.of(new Share("canary", 0, List.of())));
    assertThat(versions.choose("cmpl-1", null, null)).isEqualTo(versions.main());
  }

  @Test
  void theVersionBesideTheMainOneNeedsNoName() {
    ModelVersions named = new ModelVersions(gateway.versions.main(),
        List.of(new Version("4f2a", TestGateway.model("demo-2", canaryEngine, TestGateway.CONTEXT))));
    named.traffic().set(List.of(new Share(ModelVersions.CANARY, 100, List.of())));
    assertThat(named.choose("cmpl-1", null, null).name()).isEqualTo("4f2a");
    named.traffic().set(List.of());
    assertThat(named.choose("cmpl-1", null, null).name()).isEqualTo("main");
    assertThat(named.choose("cmpl-1", ModelVersions.CANARY, null).name()).isEqualTo("4f2a");
    ModelVersions alone = new ModelVersions(gateway.versions.main(), List.of());
    assertThat(alone.choose("cmpl-1", ModelVersions.CANARY, null).name()).isEqualTo("main");
  }

  @Test
  void aGatewayReportsAllItsVersions() {
    GatewayLoad load = new LoadReports(gateway.versions).get();
    assertThat(load)
        .isEqualTo(GatewayLoad.newBuilder().setRunningLimit(32).setKvPagesUsed(3).setKvPagesTotal(12).build());
  }

  @Test
  void sharesThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> new Share("canary", -1, List.of())).isInstanceOf(FailureException.class);
    assertThatThrownBy(() -> new Share("canary", Double.NaN, List.of())).isInstanceOf(FailureException.class);
    List<Share> tooMuch = List.of(new Share("main", 60, List.of()), new Share("canary", 41, List.of()));
    assertThatThrownBy(() -> gateway.versions.traffic().set(tooMuch)).hasMessageContaining("101");
  }

  @Test
  void versionsThatCannotStandForTheSameModelAreRefused() {
    Version main = gateway.versions.main();
    Version shorter = new Version("shorter", TestGateway.model("demo", canaryEngine, 32));
    assertThatThrownBy(() -> new ModelVersions(main, List.of(shorter)))
        .isInstanceOf(FailureException.class)
        .hasMessageContaining("shorter").hasMessageContaining("32").hasMessageContaining("64");
    Version twin = new Version("main", TestGateway.model(canaryEngine));
    assertThatThrownBy(() -> new ModelVersions(main, List.of(twin))).hasMessageContaining("the same name");
  }

  @Test
  void theModelIsListedOnceAndMeasuredByVersion() throws Exception {
    gateway.answer("/v1/completions", REQUEST);
    gateway.answer("/v1/completions", "{\"prompt\": \"a\", \"n\": 2, \"expertmesh\": {\"version\": \"canary\"}}");
    assertThat(TestGateway.JSON.readTree(gateway.get("/v1/models").body()).get("data")).hasSize(1);
    assertThat(gateway.get("/metrics").body())
        .contains("expertmesh_answers_total{version=\"main\"} 1.0", "expertmesh_answers_total{version=\"canary\"} 2.0",
            "expertmesh_generated_tokens_total{version=\"main\"} 50.0",
            "vllm:prompt_tokens_total{model_name=\"demo\",version=\"canary\"} 100.0");
  }
}
