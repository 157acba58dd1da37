package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Valid requests with something changed: each is answered or refused, none makes the server fail. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FuzzedRequestsTest {
  private static final int REQUESTS = 400;
  private static final List<String> VALUES = List.of("null", "true", "0", "-1", "1", "2", "0.5", "1e308", "1e999",
      "9223372036854775807", "-9223372036854775809", "\"\"", "\"a\"", "\"\\u0000\\ud800\"", "[]", "{}", "[[]]",
      "[null]", "[1]", "[[1,2],[3]]", "{\"a\":{}}", "\"stop\"", "{\"type\":\"json_object\"}", "\"<|endoftext|>\"");

  private final TestGateway gateway = new TestGateway();

  @AfterAll
  void stop() {
    gateway.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void completions(long seed) throws Exception {
    fuzz(seed, "/v1/completions", """
        {"model": "demo", "prompt": ["a", "b"], "max_tokens": 3, "echo": true, "logprobs": 2, "temperature": 0.5,
         "top_p": 0.9, "top_k": 5, "min_p": 0.1, "seed": 1, "n": 2, "stop": ["x"], "stop_token_ids": [3],
         "logit_bias": {"5": 1}, "presence_penalty": 1, "frequency_penalty": 1, "repetition_penalty": 1.1,
         "stream": true, "stream_options": {"include_usage": true}, "ignore_eos": true, "return_token_ids": true,
         "return_routing": true, "user": "u"}""");
  }

  @ParameterizedTest
  @ValueSource(longs = {3, 4})
  void chat(long seed) throws Exception {
    fuzz(seed, "/v1/chat/completions", """
        {"model": "demo", "messages": [{"role": "system", "content": "s"}, {"role": "user", "name": "n",
         "content": [{"type": "text", "text": "hi"}]}], "max_completion_tokens": 3, "logprobs": true,
         "top_logprobs": 2, "response_format": {"type": "text"}, "n": 2, "stop": "x", "stream": false,
         "tools": [], "tool_choice": "none", "parallel_tool_calls": true, "store": false, "metadata": {}}""");
  }

  @Test
  void tokens() throws Exception {
    fuzz(5, "/tokenize", "{\"prompt\": \"a\", \"add_special_tokens\": true, \"return_token_strs\": true}");
    fuzz(6, "/detokenize", "{\"tokens\": [1, 2, 3], \"model\": \"demo\"}");
  }

  private void fuzz(long seed, String path, String valid) throws Exception {
    Random random = new Random(seed);
    int answered = 0;
    for (int i = 0; i < REQUESTS; i++) {
      JsonNode request = TestGateway.JSON.readTree(valid);
      for (int change = random.nextInt(3); change >= 0; change--) {
        change(request, random);
      }
      String body = random.nextInt(20) == 0
          ? valid.substring(0, random.nextInt(valid.length()))
          : request.toString();
      HttpResponse<String> response = gateway.post(path, body);
      assertThat(response.statusCode()).as(body + " -> " + response.body()).isIn(200, 400, 404);
      if (response.statusCode() == 200) {
        answered++;
      } else {
        assertThat(TestGateway.JSON.readTree(response.body()).at("/error/message").stringValue()).isNotBlank();
      }
    }
    assertThat(answered).as("valid ones").isPositive();
    assertThat(gateway.engine.running()).isZero();
  }

  /** Replaces, adds or removes something at a random place. */
  private static void change(JsonNode node, Random random) {
    JsonNode value = TestGateway.JSON.readTree(VALUES.get(random.nextInt(VALUES.size())));
    switch (node) {
      case ObjectNode object when !object.isEmpty() -> {
        List<String> names = List.copyOf(object.propertyNames());
        String name = names.get(random.nextInt(names.size()));
        switch (random.nextInt(6)) {
          case 0 -> object.remove(name);
          case 1 -> object.set(name + "s", value);
          case 2, 3 -> change(object.get(name), random);
          default -> object.set(name, value);
        }
      }
      case ArrayNode array when !array.isEmpty() -> {
        int index = random.nextInt(array.size());
        switch (random.nextInt(3)) {
          case 0 -> array.add(value);
          case 1 -> array.set(index, value);
          default -> change(array.get(index), random);
        }
      }
      default -> {
      }
    }
  }
}
