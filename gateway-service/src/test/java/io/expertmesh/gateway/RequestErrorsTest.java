package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RequestErrorsTest {
  private final TestGateway gateway = new TestGateway();

  @AfterAll
  void stop() {
    gateway.close();
  }

  private static JsonNode error(HttpResponse<String> response) {
    JsonNode error = TestGateway.JSON.readTree(response.body()).get("error");
    assertThat(error.propertyNames()).containsExactlyInAnyOrder("message", "type", "param", "code");
    assertThat(error.get("message").stringValue()).isNotBlank();
    return error;
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      "temperature": -0.1                | temperature    | invalid_value
      "temperature": 2.1                 | temperature    | invalid_value
      "temperature": "1"                 | temperature    | invalid_type
      "temperature": 1e999               | temperature    | invalid_value
      "top_p": 1.5                       | top_p          | invalid_value
      "top_k": -2                        | top_k          | invalid_value
      "top_k": 1.5                       | top_k          | invalid_type
      "min_p": -1                        | min_p          | invalid_value
      "repetition_penalty": 0            | repetition_penalty | invalid_value
      "presence_penalty": 3              | presence_penalty | invalid_value
      "frequency_penalty": []            | frequency_penalty | invalid_type
      "max_tokens": -1                   | max_tokens     | invalid_value
      "max_tokens": 0                    | max_tokens     | invalid_value
      "max_tokens": 99999999999999999999 | max_tokens     | invalid_value
      "max_tokens": true                 | max_tokens     | invalid_type
      "max_tokens": 64                   | max_tokens     | context_length_exceeded
      "n": 0                             | n              | invalid_value
      "n": 33                            | n              | invalid_value
      "seed": 1.5                        | seed           | invalid_type
      "seed": 99999999999999999999       | seed           | invalid_value
      "stop": 5                          | stop           | invalid_type
      "stop": ["a", 1]                   | stop           | invalid_type
      "stop": ""                         | stop           | invalid_value
      "stop": ["a","b","c","d","e"]      | stop           | invalid_value
      "stop_token_ids": [1024]           | stop_token_ids | invalid_value
      "stop_token_ids": ["a"]            | stop_token_ids | invalid_type
      "logit_bias": {"1024": 1}          | logit_bias     | invalid_value
      "logit_bias": {"x": 1}             | logit_bias     | invalid_value
      "logit_bias": {"5": 101}           | logit_bias.5   | invalid_value
      "logit_bias": [1]                  | logit_bias     | invalid_type
      "logprobs": 21                     | logprobs       | invalid_value
      "logprobs": true                   | logprobs       | invalid_type
      "echo": 1                          | echo           | invalid_type
      "stream": "yes"                    | stream         | invalid_type
      "stream_options": {}               | stream_options | invalid_value
      "stream": true, "stream_options": {"usage": true} | stream_options.usage | unknown_parameter
      "return_routing": 1                | return_routing | invalid_type
      "suffix": "x"                      | suffix         | unsupported_parameter
      "best_of": 2                       | best_of        | unsupported_parameter
      "store": true                      | store          | unsupported_parameter
      "expertmesh": 1                    | expertmesh     | invalid_type
      "expertmesh": {"unavailable_policy": "hope"} | expertmesh.unavailable_policy | invalid_value
      "expertmesh": {"unavailable_policy": 1}      | expertmesh.unavailable_policy | invalid_type
      "expertmesh": {"unavailable_policy": "wait", "wait_seconds": -1}   | expertmesh.wait_seconds | invalid_value
      "expertmesh": {"unavailable_policy": "wait", "wait_seconds": 3601} | expertmesh.wait_seconds | invalid_value
      "expertmesh": {"unavailable_policy": "drop", "wait_seconds": 1}    | expertmesh.wait_seconds | invalid_value
      "expertmesh": {"wait_seconds": "1"}          | expertmesh.wait_seconds | invalid_type
      "expertmesh": {"version": 2}                 | expertmesh.version      | invalid_type
      "expertmesh": {"policy": "drop"}             | expertmesh.policy       | unknown_parameter
      "temprature": 1                    | temprature     | unknown_parameter
      """)
  void aWrongFieldIsNamed(String field, String parameter, String code) throws Exception {
    HttpResponse<String> response = gateway.post("/v1/completions", "{\"prompt\": \"a\", " + field + "}");
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    JsonNode error = error(response);
    assertThat(error.get("param").stringValue()).isEqualTo(parameter);
    assertThat(error.get("code").stringValue()).isEqualTo(code);
    assertThat(error.get("type").stringValue()).isEqualTo("invalid_request_error");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      {}                                | prompt
      {"prompt": ""}                    | prompt
      {"prompt": []}                    | prompt
      {"prompt": 5}                     | prompt
      {"prompt": [5, "a"]}              | prompt[1]
      {"prompt": [1024]}                | prompt[0]
      {"prompt": [-1]}                  | prompt[0]
      {"prompt": [[70], [71, 1.5]]}     | prompt[1][1]
      {"prompt": ["a", []]}             | prompt[1]
      {"prompt": ["a", "b"], "n": 17}   | prompt
      """)
  void aWrongPromptIsNamed(String body, String parameter) throws Exception {
    HttpResponse<String> response = gateway.post("/v1/completions", body);
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(error(response).get("param").stringValue()).isEqualTo(parameter);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      {"prompt": "a"
      {"prompt": "a"} x
      {"prompt": "a", "prompt": "b"}
      {"prompt": "a", "temperature": NaN}
      [1, 2]
      "text"
      nonsense
      """)
  void whatIsNotAJsonObjectIsRefused(String body) throws Exception {
    HttpResponse<String> response = gateway.post("/v1/completions", body);
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(error(response).get("code").stringValue()).isEqualTo("invalid_json");
  }

  @Test
  void aBrokenBodyIsExplainedWithoutAdviceToTheServersProgrammers() throws Exception {
    assertThat(error(gateway.post("/v1/completions", "{\"temperature\": NaN}")).get("message").stringValue())
        .isEqualTo("The request body is not valid JSON: Non-standard token 'NaN' (line 1, column 20)");
    assertThat(error(gateway.post("/v1/completions", "{\"a\":".repeat(600))).get("message").stringValue())
        .contains("nesting depth").doesNotContain("StreamReadConstraints");
  }

  @Test
  void nestingWithoutEndIsRefused() throws Exception {
    HttpResponse<String> response = gateway.post("/v1/completions", "{\"prompt\": " + "[".repeat(100_000));
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(error(response).get("code").stringValue()).isEqualTo("invalid_json");
  }

  @Test
  void aPromptLongerThanTheContextIsRefused() throws Exception {
    HttpResponse<String> response = gateway.post("/v1/completions",
        "{\"prompt\": \"%s\"}".formatted("word ".repeat(100)));
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(error(response).get("code").stringValue()).isEqualTo("context_length_exceeded");
  }

  @Test
  void anUnknownModelIsNotFound() throws Exception {
    HttpResponse<String> response = gateway.post("/v1/completions", "{\"prompt\": \"a\", \"model\": \"gpt-4\"}");
    assertThat(response.statusCode()).isEqualTo(404);
    assertThat(error(response).get("code").stringValue()).isEqualTo("model_not_found");
  }

  @Test
  void unknownPathsAndMethodsHaveTheEnvelopeToo() throws Exception {
    assertThat(error(gateway.get("/v1/nothing")).get("code").stringValue()).isEqualTo("unknown_url");
    assertThat(gateway.get("/v1/nothing").statusCode()).isEqualTo(404);
    HttpResponse<String> wrongMethod = gateway.get("/v1/completions");
    assertThat(wrongMethod.statusCode()).isEqualTo(405);
    assertThat(wrongMethod.headers().firstValue("Allow")).contains("POST");
    assertThat(error(wrongMethod).get("code").stringValue()).isEqualTo("method_not_allowed");
    assertThat(gateway.post("/health", "{}").statusCode()).isEqualTo(405);
  }

  @Test
  void aMalformedRequestLineHasTheEnvelopeToo() throws Exception {
    try (RawClient raw = new RawClient(gateway.server.port())) {
      raw.send("GET /v1/mod{els HTTP/1.1\r\nHost: localhost\r\n\r\n");
      String response = raw.readUntil("}}");
      assertThat(response).startsWith("HTTP/1.1 400").contains("bad_http_request");
    }
  }

  @Test
  void onlyJsonIsTaken() throws Exception {
    HttpResponse<String> response = gateway.send(gateway.request("/v1/completions")
        .header("Content-Type", "text/plain")
        .POST(BodyPublishers.ofString("{\"prompt\": \"a\"}"))
        .build());
    assertThat(response.statusCode()).isEqualTo(415);
    assertThat(error(response).get("message").stringValue()).contains("text/plain");
    HttpResponse<String> untyped = gateway.send(gateway.request("/v1/completions")
        .POST(BodyPublishers.ofString("{\"prompt\": \"a\"}"))
        .build());
    assertThat(untyped.statusCode()).isEqualTo(415);
    assertThat(error(untyped).get("message").stringValue()).startsWith("There is no Content-Type;");
  }

  @Test
  void aBodyThatSaysItIsTooLargeIsRefusedBeforeItIsRead() throws Exception {
    try (RawClient raw = new RawClient(gateway.server.port())) {
      raw.send("""
          POST /v1/completions HTTP/1.1
          Host: localhost
          Content-Type: application/json
          Expect: 100-continue
          Content-Length: 10000000

          """.replace("\n", "\r\n"));
      assertThat(raw.readUntil("}}")).startsWith("HTTP/1.1 413").contains("request_too_large");
    }
  }

  @Test
  void theSenderOfTenMegabytesSeesTheRefusal() throws Exception {
    String body = "{\"prompt\": \"" + "a".repeat(10_000_000) + "\"}";
    HttpResponse<String> declared = gateway.post("/v1/completions", body);
    assertThat(declared.statusCode()).isEqualTo(413);
    error(declared);
    HttpResponse<String> chunked = gateway.send(gateway.request("/v1/completions")
        .header("Content-Type", "application/json")
        .POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8))))
        .build());
    assertThat(chunked.statusCode()).isEqualTo(413);
    error(chunked);
  }

  @Test
  void harmlessDefaultsOfClientsAreTaken() throws Exception {
    gateway.answer("/v1/completions", """
        {"prompt": "a", "user": "me", "store": false, "metadata": {"a": "b"}, "n": 1, "best_of": 1, "suffix": null,
         "service_tier": "auto", "logit_bias": {}, "stop": null, "stream": false, "logprobs": null}""");
  }

  @Test
  void aFullQueueSaysWhenToComeBack() throws Exception {
    try (TestGateway full = new TestGateway()) {
      full.engine.capacity(3);
      full.engine.pause();
      HttpResponse<String> response = full.post("/v1/completions", "{\"prompt\": \"a\", \"n\": 4}");
      assertThat(response.statusCode()).isEqualTo(503);
      assertThat(response.headers().firstValue("Retry-After")).isPresent();
      assertThat(error(response).get("code").stringValue()).isEqualTo("overloaded");
      assertThat(full.engine.running()).as("the three that were queued are cancelled").isZero();
    }
  }

  @Test
  void aFailureIsAnErrorBeforeTheStreamAndAnEventInIt() throws Exception {
    try (TestGateway failing = new TestGateway()) {
      failing.engine.failAfter(0);
      HttpResponse<String> before = failing.post("/v1/completions", "{\"prompt\": \"a\", \"stream\": true}");
      assertThat(before.statusCode()).isEqualTo(503);
      assertThat(error(before).get("code").stringValue()).isEqualTo("unavailable");
      failing.engine.failAfter(3);
      HttpResponse<String> during = failing.post("/v1/completions", "{\"prompt\": \"a\", \"stream\": true}");
      assertThat(during.statusCode()).isEqualTo(200);
      String last = during.body().lines().filter(line -> !line.isEmpty()).toList().getLast();
      assertThat(TestGateway.JSON.readTree(last.substring("data: ".length())).at("/error/code").stringValue())
          .isEqualTo("unavailable");
    }
  }

  @Test
  void requestIdsAreEchoedOrMade() throws Exception {
    HttpResponse<String> echoed = gateway.send(gateway.request("/health").header("X-Request-Id", "abc-1").build());
    assertThat(echoed.headers().firstValue("X-Request-Id")).contains("abc-1");
    HttpResponse<String> insane = gateway.send(gateway.request("/health").header("X-Request-Id", "<b> ").build());
    assertThat(insane.headers().firstValue("X-Request-Id").orElseThrow()).startsWith("req-");
  }
}
