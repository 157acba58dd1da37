package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SecurityTest {
  private final TestGateway gateway = new TestGateway(Map.of(
      "expertmesh.keys[0].name", "plain",
      "expertmesh.keys[0].hash", "sha256:" + sha256("key-1"),
      "expertmesh.keys[1].name", "salted",
      "expertmesh.keys[1].hash", "sha256:736174:" + sha256("satkey-2"),
      "expertmesh.keys[2].name", "two requests",
      "expertmesh.keys[2].hash", "sha256:" + sha256("key-3"),
      "expertmesh.keys[2].requests-per-minute", 2,
      "expertmesh.keys[3].name", "twenty tokens",
      "expertmesh.keys[3].hash", "sha256:" + sha256("key-4"),
      "expertmesh.keys[3].tokens-per-minute", 20));

  @AfterAll
  void stop() {
    gateway.close();
  }

  static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (java.security.NoSuchAlgorithmException impossible) {
      throw new AssertionError(impossible);
    }
  }

  private HttpResponse<String> complete(String authorization) throws Exception {
    HttpRequest.Builder request = gateway.request("/v1/completions").header("Content-Type", "application/json");
    if (!authorization.isEmpty()) {
      request.header("Authorization", authorization);
    }
    return gateway.send(
        request.POST(BodyPublishers.ofString("{\"prompt\": [70, 71], \"max_tokens\": 10}")).build());
  }

  @ParameterizedTest
  @ValueSource(strings = {"Bearer key-1", "bearer key-1", "Bearer key-2"})
  void aKeyOpensTheServer(String authorization) throws Exception {
    assertThat(complete(authorization).statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Bearer", "Bearer ", "Bearer key-0", "Basic key-1", "key-1", "Bearer key-1 key-1"})
  void withoutAKeyEverythingIsClosed(String authorization) throws Exception {
    HttpResponse<String> response = complete(authorization);
    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(response.headers().firstValue("WWW-Authenticate")).hasValueSatisfying(
        scheme -> assertThat(scheme).startsWith("Bearer"));
    assertThat(TestGateway.JSON.readTree(response.body()).at("/error/code").stringValue())
        .isEqualTo("invalid_api_key");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/metrics", "/v1/models", "/openapi.json", "/v1/expertmesh/routing/load", "/nothing",
          "//health", "/health/", "/health;x"})
  void onlyHealthAndThePageAreOpen(String path) throws Exception {
    assertThat(gateway.get(path).statusCode()).isIn(400, 401);
  }

  @Test
  void healthAndThePageAreOpen() throws Exception {
    assertThat(gateway.get("/health").statusCode()).isEqualTo(200);
    assertThat(gateway.get("/").body()).contains("<title>ExpertMesh</title>");
    assertThat(gateway.get("/page.js").statusCode()).isEqualTo(200);
    assertThat(gateway.get("/page.css").statusCode()).isEqualTo(200);
  }

  @Test
  void requestsPerMinuteAreLimited() throws Exception {
    assertThat(complete("Bearer key-3").headers().firstValue("x-ratelimit-remaining-requests")).contains("1");
    assertThat(complete("Bearer key-3").headers().firstValue("x-ratelimit-remaining-requests")).contains("0");
    HttpResponse<String> third = complete("Bearer key-3");
    assertThat(third.statusCode()).isEqualTo(429);
    assertThat(third.headers().firstValueAsLong("Retry-After").orElseThrow()).isBetween(1L, 60L);
    assertThat(third.headers().firstValue("x-ratelimit-limit-requests")).contains("2");
    assertThat(TestGateway.JSON.readTree(third.body()).at("/error/code").stringValue())
        .isEqualTo("rate_limit_exceeded");
  }

  @Test
  void tokensPerMinuteAreLimited() throws Exception {
    assertThat(complete("Bearer key-4").statusCode()).isEqualTo(200);
    assertThat(complete("Bearer key-4").headers().firstValue("x-ratelimit-remaining-tokens")).contains("8");
    HttpResponse<String> third = complete("Bearer key-4");
    assertThat(third.statusCode()).isEqualTo(429);
    assertThat(third.headers().firstValueAsLong("Retry-After").orElseThrow()).isBetween(1L, 60L);
  }

  @Test
  void webPagesOfOtherOriginsAreNotLetIn() throws Exception {
    HttpResponse<String> response = gateway.send(
        gateway.request("/health").header("Origin", "https://elsewhere.example").build());
    assertThat(response.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
  }

  @Test
  void configuredOriginsAreLetIn() throws Exception {
    try (TestGateway open = new TestGateway(Map.of("expertmesh.allowed-origins", "https://chat.example"))) {
      HttpRequest preflight = open.request("/v1/chat/completions")
          .header("Origin", "https://chat.example")
          .header("Access-Control-Request-Method", "POST")
          .header("Access-Control-Request-Headers", "Authorization, Content-Type")
          .method("OPTIONS", BodyPublishers.noBody())
          .build();
      assertThat(open.send(preflight).headers().firstValue("Access-Control-Allow-Origin"))
          .contains("https://chat.example");
      HttpResponse<String> other = open.send(
          open.request("/health").header("Origin", "https://elsewhere.example").build());
      assertThat(other.statusCode()).isEqualTo(403);
      assertThat(TestGateway.JSON.readTree(other.body()).at("/error/code").stringValue())
          .isEqualTo("origin_not_allowed");
    }
  }
}
