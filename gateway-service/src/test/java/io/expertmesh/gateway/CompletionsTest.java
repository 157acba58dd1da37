package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** The engine of these tests repeats the prompt's tokens. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CompletionsTest {
  private static final String PATH = "/v1/completions";

  private final TestGateway gateway = new TestGateway();

  @AfterAll
  void stop() {
    gateway.close();
  }

  private static int[] ids(String text) {
    return TestGateway.sharedTokenizer().encode(text, false);
  }

  @Test
  void aTextPromptIsContinued() throws Exception {
    String text = "The gateway runs attention.";
    int tokens = ids(text).length;
    JsonNode answer = gateway.answer(PATH, """
        {"model": "demo", "prompt": "%s", "max_tokens": %d}""".formatted(text, tokens));
    assertThat(answer.get("object").stringValue()).isEqualTo("text_completion");
    assertThat(answer.get("id").stringValue()).startsWith("cmpl-");
    assertThat(answer.get("model").stringValue()).isEqualTo("demo");
    JsonNode choice = answer.get("choices").get(0);
    assertThat(choice.get("text").stringValue()).isEqualTo(text);
    assertThat(choice.get("finish_reason").stringValue()).isEqualTo("length");
    assertThat(choice.get("logprobs").isNull()).isTrue();
    assertThat(answer.at("/usage/prompt_tokens").intValue()).isEqualTo(tokens);
    assertThat(answer.at("/usage/completion_tokens").intValue()).isEqualTo(tokens);
    assertThat(answer.at("/usage/total_tokens").intValue()).isEqualTo(2 * tokens);
  }

  @Test
  void sixteenTokensAreTheDefault() throws Exception {
    JsonNode answer = gateway.answer(PATH, "{\"prompt\": \"a b c\"}");
    assertThat(answer.at("/usage/completion_tokens").intValue()).isEqualTo(16);
  }

  @Test
  void anAliasNamesTheModelToo() throws Exception {
    assertThat(gateway.answer(PATH, "{\"model\": \"an/alias\", \"prompt\": \"a\"}").get("model").stringValue())
        .isEqualTo("demo");
  }

  @Test
  void tokenIdsAreUsedAsTheyAreAndReturned() throws Exception {
    JsonNode choice = gateway.answer(PATH, """
        {"prompt": [70, 71, 72], "max_tokens": 4, "return_token_ids": true}""").at("/choices/0");
    assertThat(choice.get("prompt_token_ids").toString()).isEqualTo("[70,71,72]");
    assertThat(choice.get("token_ids").toString()).isEqualTo("[70,71,72,70]");
  }

  @Test
  void severalPromptsHaveNAnswersEach() throws Exception {
    JsonNode answer = gateway.answer(PATH, """
        {"prompt": [[70, 71], [72, 73, 74]], "n": 2, "max_tokens": 2, "return_token_ids": true}""");
    assertThat(answer.get("choices").valueStream().map(choice -> choice.get("token_ids").toString()))
        .containsExactly("[70,71]", "[70,71]", "[72,73]", "[72,73]");
    assertThat(answer.get("choices").valueStream().map(choice -> choice.get("index").intValue()))
        .containsExactly(0, 1, 2, 3);
    assertThat(answer.at("/usage/prompt_tokens").intValue()).isEqualTo(5);
    assertThat(answer.at("/usage/completion_tokens").intValue()).isEqualTo(8);
  }

  @Test
  void aStopStringIsNotPartOfTheText() throws Exception {
    String text = "one two three four";
    JsonNode answer = gateway.answer(PATH, """
        {"prompt": "%s", "max_tokens": 40, "stop": ["three", "nothing"]}""".formatted(text));
    assertThat(answer.at("/choices/0/text").stringValue()).isEqualTo("one two ");
    assertThat(answer.at("/choices/0/finish_reason").stringValue()).isEqualTo("stop");
    assertThat(answer.at("/usage/completion_tokens").intValue()).isLessThanOrEqualTo(ids(text).length);
  }

  @Test
  void aStopTokenEndsTheAnswer() throws Exception {
    JsonNode answer = gateway.answer(PATH, """
        {"prompt": [70, 71, 72], "max_tokens": 9, "stop_token_ids": [72], "return_token_ids": true}""");
    assertThat(answer.at("/choices/0/finish_reason").stringValue()).isEqualTo("stop");
    assertThat(answer.at("/choices/0/token_ids").toString()).isEqualTo("[70,71,72]");
    assertThat(answer.at("/choices/0/text").stringValue())
        .isEqualTo(TestGateway.sharedTokenizer().decode(new int[]{70, 71}, true));
  }

  @Test
  void theEndTokenCanBeIgnored() throws Exception {
    String request = "{\"prompt\": [70, 0, 72], \"max_tokens\": 6%s}";
    assertThat(gateway.answer(PATH, request.formatted("")).at("/usage/completion_tokens").intValue()).isEqualTo(2);
    assertThat(gateway.answer(PATH, request.formatted(", \"ignore_eos\": true")).at("/usage/completion_tokens")
        .intValue()).isEqualTo(6);
  }

  @Test
  void evaluationHarnessesReadEveryPromptPosition() throws Exception {
    int[] prompt = ids("The gateway runs");
    JsonNode choice = gateway.answer(PATH, """
        {"model": "demo", "prompt": [%s], "temperature": 0, "max_tokens": 1, "logprobs": 1, "seed": 1234,
         "echo": true}""".formatted(Arrays.toString(prompt))).at("/choices/0");
    JsonNode logprobs = choice.get("logprobs");
    int length = prompt.length + 1;
    assertThat(List.of("token_logprobs", "top_logprobs", "tokens", "text_offset"))
        .allSatisfy(list -> assertThat(logprobs.get(list)).hasSize(length));
    assertThat(logprobs.at("/token_logprobs/0").isNull()).isTrue();
    assertThat(logprobs.at("/top_logprobs/0").isNull()).isTrue();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      assertThat(logprobs.get("text_offset").get(i).intValue()).isEqualTo(text.length());
      text.append(logprobs.get("tokens").get(i).stringValue());
      if (i > 0) {
        assertThat(logprobs.get("token_logprobs").get(i).doubleValue()).isEqualTo(-0.5);
        assertThat(logprobs.get("top_logprobs").get(i).size()).isEqualTo(1);
        assertThat(logprobs.get("top_logprobs").get(i).has(logprobs.get("tokens").get(i).stringValue())).isTrue();
      }
    }
    assertThat(choice.get("text").stringValue()).isEqualTo(text.toString()).startsWith("The gateway runs");
  }

  @Test
  void aPromptCanBeScoredWithoutGenerating() throws Exception {
    JsonNode answer = gateway.answer(PATH, """
        {"prompt": "The gateway", "max_tokens": 0, "echo": true, "logprobs": 2}""");
    assertThat(answer.at("/choices/0/text").stringValue()).isEqualTo("The gateway");
    assertThat(answer.at("/usage/completion_tokens").intValue()).isZero();
    assertThat(answer.at("/choices/0/logprobs/tokens")).hasSize(ids("The gateway").length);
  }

  @Test
  void routingCoversEveryTokenThatWentThroughTheModel() throws Exception {
    JsonNode routing = gateway.answer(PATH, """
        {"prompt": [70, 71], "max_tokens": 3, "return_routing": true}""").at("/choices/0/routing");
    assertThat(routing.get("moe_layers").toString()).isEqualTo("[0,1]");
    assertThat(routing.get("experts").toString())
        .isEqualTo("[[[6,1],[2,3]],[[7,1],[2,3]],[[6,1],[2,3]],[[7,1],[2,3]]]");
    assertThat(routing.get("weights").get(3).toString()).isEqualTo("[[0.75,0.25],[0.5,0.5]]");
  }

  @Test
  void routingIsCompleteWhenAStopStringEndsTheAnswer() throws Exception {
    JsonNode answer = gateway.answer(PATH, """
        {"prompt": "one two three", "max_tokens": 40, "stop": "three", "return_routing": true}""");
    int tokens = answer.at("/usage/total_tokens").intValue();
    assertThat(answer.at("/choices/0/routing/experts").size()).isEqualTo(tokens - 1);
  }

  @Test
  void aStreamAddsUpToTheWholeAnswer() throws Exception {
    String request = """
        {"prompt": "The gateway é 你好 runs", "max_tokens": 24, "logprobs": 0, "echo": true, "return_token_ids": true,
         "return_routing": true%s}""";
    JsonNode whole = gateway.answer(PATH, request.formatted(""));
    List<JsonNode> chunks = gateway.stream(PATH,
        request.formatted(", \"stream\": true, \"stream_options\": {\"include_usage\": true}"));
    StringBuilder text = new StringBuilder();
    int tokens = 0;
    for (JsonNode chunk : chunks) {
      assertThat(chunk.has("usage")).isTrue();
      text.append(chunk.at("/choices/0/text").asString(""));
      tokens += chunk.at("/choices/0/token_ids").size();
    }
    assertThat(text.toString()).isEqualTo(whole.at("/choices/0/text").stringValue());
    assertThat(tokens).isEqualTo(24);
    JsonNode last = chunks.getLast();
    assertThat(last.get("choices")).isEmpty();
    assertThat(last.get("usage")).isEqualTo(whole.get("usage"));
    JsonNode end = chunks.get(chunks.size() - 2).at("/choices/0");
    assertThat(end.get("finish_reason").stringValue()).isEqualTo("length");
    assertThat(end.get("routing")).isEqualTo(whole.at("/choices/0/routing"));
    assertThat(chunks.getFirst().at("/choices/0/prompt_token_ids"))
        .isEqualTo(whole.at("/choices/0/prompt_token_ids"));
    assertThat(chunks.stream().filter(chunk -> chunk.at("/choices/0/finish_reason").isString())).hasSize(1);
  }

  @Test
  void aStreamOfSeveralAnswersFinishesEachOnce() throws Exception {
    List<JsonNode> chunks = gateway.stream(PATH, """
        {"prompt": ["one two", "three four"], "n": 2, "max_tokens": 5, "stream": true}""");
    assertThat(chunks.stream().filter(chunk -> chunk.at("/choices/0/finish_reason").isString())
        .map(chunk -> chunk.at("/choices/0/index").intValue())).containsExactlyInAnyOrder(0, 1, 2, 3);
    assertThat(chunks).noneMatch(chunk -> chunk.has("usage"));
  }

  @Test
  void tokenizeAndDetokenizeAreInverse() throws Exception {
    JsonNode tokens = gateway.answer("/tokenize", """
        {"model": "demo", "prompt": "The gateway", "return_token_strs": true}""");
    assertThat(tokens.get("count").intValue()).isEqualTo(ids("The gateway").length);
    assertThat(tokens.get("max_model_len").intValue()).isEqualTo(TestGateway.CONTEXT);
    assertThat(tokens.get("token_strs")).hasSameSizeAs(tokens.get("tokens"));
    assertThat(gateway.answer("/detokenize", "{\"tokens\": %s}".formatted(tokens.get("tokens"))).get("prompt")
        .stringValue()).isEqualTo("The gateway");
  }

  @Test
  void theModelIsListed() throws Exception {
    JsonNode list = TestGateway.JSON.readTree(gateway.get("/v1/models").body());
    assertThat(list.at("/data/0/id").stringValue()).isEqualTo("demo");
    assertThat(TestGateway.JSON.readTree(gateway.get("/v1/models/demo").body())).isEqualTo(list.at("/data/0"));
    assertThat(gateway.get("/v1/models/an/alias").statusCode()).isEqualTo(200);
    assertThat(gateway.get("/v1/models/other/one").statusCode()).isEqualTo(404);
  }
}
