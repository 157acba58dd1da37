package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.model.tokenizer.Tokenizer;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** The engine of these tests repeats the prompt's tokens. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ChatTest {
  private static final String PATH = "/v1/chat/completions";

  private final TestGateway gateway = new TestGateway();
  private final Tokenizer tokenizer = TestGateway.sharedTokenizer();

  @AfterAll
  void stop() {
    gateway.close();
  }

  private static String hello(String more) {
    return """
        {"model": "demo", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8%s}""".formatted(more);
  }

  @Test
  void theChatTemplateWritesThePrompt() throws Exception {
    JsonNode answer = gateway.answer(PATH, hello(", \"return_token_ids\": true"));
    assertThat(answer.get("object").stringValue()).isEqualTo("chat.completion");
    assertThat(answer.get("id").stringValue()).startsWith("chatcmpl-");
    JsonNode choice = answer.at("/choices/0");
    int[] prompt = choice.get("prompt_token_ids").valueStream().mapToInt(JsonNode::intValue).toArray();
    assertThat(tokenizer.decode(prompt, false)).isEqualTo("<|user|>\nHello\n<|assistant|>\n");
    assertThat(choice.at("/message/role").stringValue()).isEqualTo("assistant");
    assertThat(choice.at("/message/content").stringValue()).startsWith("\nHello");
    assertThat(choice.get("finish_reason").stringValue()).isEqualTo("length");
    assertThat(answer.at("/usage/prompt_tokens").intValue()).isEqualTo(prompt.length);
  }

  @Test
  void contentMayBeTextParts() throws Exception {
    JsonNode tokens = gateway.answer("/tokenize", """
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]}]}
        """);
    assertThat(tokens).isEqualTo(gateway.answer("/tokenize", """
        {"messages": [{"role": "user", "content": "Hello"}]}"""));
  }

  @Test
  void anAnswerFillsTheContextByDefault() throws Exception {
    JsonNode answer = gateway.answer(PATH, """
        {"messages": [{"role": "user", "content": "Hello"}], "ignore_eos": true}""");
    assertThat(answer.at("/usage/total_tokens").intValue()).isEqualTo(TestGateway.CONTEXT);
  }

  @Test
  void aStreamStartsWithTheRoleAndEndsWithOneFinishReason() throws Exception {
    String whole = gateway.answer(PATH, hello("")).at("/choices/0/message/content").stringValue();
    List<JsonNode> chunks = gateway.stream(PATH,
        hello(", \"stream\": true, \"stream_options\": {\"include_usage\": true}"));
    assertThat(chunks).allMatch(chunk -> chunk.get("object").stringValue().equals("chat.completion.chunk"));
    assertThat(chunks.getFirst().at("/choices/0/delta").toString())
        .isEqualTo("{\"role\":\"assistant\",\"content\":\"\"}");
    StringBuilder text = new StringBuilder();
    chunks.forEach(chunk -> text.append(chunk.at("/choices/0/delta/content").asString("")));
    assertThat(text.toString()).isEqualTo(whole);
    assertThat(chunks.get(chunks.size() - 2).at("/choices/0/finish_reason").stringValue()).isEqualTo("length");
    assertThat(chunks.stream().filter(chunk -> chunk.at("/choices/0/finish_reason").isString())).hasSize(1);
    assertThat(chunks.getLast().at("/usage/completion_tokens").intValue()).isEqualTo(8);
    assertThat(chunks).extracting(chunk -> chunk.get("id").stringValue()).containsOnly(
        chunks.getFirst().get("id").stringValue());
  }

  @Test
  void logprobsHaveTextAndBytesOfEveryToken() throws Exception {
    JsonNode content = gateway.answer(PATH, hello(", \"logprobs\": true, \"top_logprobs\": 2"))
        .at("/choices/0/logprobs/content");
    assertThat(content).hasSize(8);
    for (JsonNode token : content) {
      assertThat(token.get("logprob").doubleValue()).isEqualTo(-0.5);
      assertThat(token.get("top_logprobs")).hasSize(2);
      assertThat(token.get("bytes").isEmpty()).isFalse();
    }
    assertThat(content.get(0).get("token").stringValue()).isEqualTo("<|user|>");
    assertThat(content.get(1).get("bytes").toString()).isEqualTo("[10]");
  }

  @Test
  void whatOpenAiClientsSendAsDefaultsIsTaken() throws Exception {
    gateway.answer(PATH, hello("""
        , "n": 1, "store": false, "metadata": {}, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
        "modalities": ["text"], "response_format": {"type": "text"}, "service_tier": "auto", "user": "u",
        "logprobs": false, "top_logprobs": null, "seed": null, "max_completion_tokens": null"""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock = """
          {"messages": []}                                                    | messages                | invalid_value
          {"messages": "hi"}                                                  | messages                | invalid_type
          {"messages": ["hi"]}                                                | messages[0]             | invalid_type
          {"messages": [{"content": "x"}]}                                    | messages[0].role        | invalid_value
          {"messages": [{"role": "robot", "content": "x"}]}                   | messages[0].role        | invalid_value
          {"messages": [{"role": "function", "content": "x"}]}                | messages[0].role        | unsupported_parameter
          {"messages": [{"role": "tool", "content": "x"}]}                    | messages[0].tool_call_id | invalid_value
          {"messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]} | messages[0].tool_call_id | invalid_value
          {"messages": [{"role": "user", "content": "x", "tool_call_id": "c"}]} | messages[0].tool_call_id | unsupported_parameter
          {"messages": [{"role": "user", "content": "x", "tool_calls": [{}]}]} | messages[0].tool_calls | invalid_value
          {"messages": [{"role": "assistant", "content": null}]}              | messages[0].content     | invalid_value
          {"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}  | messages[0].tool_calls[0].function | invalid_value
          {"messages": [{"role": "assistant", "tool_calls": [{"type": "custom", "id": "c"}]}]} | messages[0].tool_calls[0].function | invalid_value
          {"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]} | messages[0].tool_calls[0].id | invalid_value
          {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {}}]}]} | messages[0].tool_calls[0].function.name | invalid_value
          {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "[]"}}]}]} | messages[0].tool_calls[0].function.arguments | invalid_value
          {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{"}}]}]} | messages[0].tool_calls[0].function.arguments | invalid_value
          {"messages": [{"role": "user"}]}                                    | messages[0].content     | invalid_value
          {"messages": [{"role": "user", "content": 5}]}                      | messages[0].content     | invalid_type
          {"messages": [{"role": "user", "content": "x", "colour": 1}]}       | messages[0].colour      | unknown_parameter
          {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]} | messages[0].content[0].type | unsupported_parameter
          {"messages": [{"role": "assistant", "content": "", "tool_calls": [1]}]} | messages[0].tool_calls[0] | invalid_type
          """)
  void wrongMessagesAreNamed(String body, String parameter, String code) throws Exception {
    refused(body, parameter, code);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock = """
          "tools": [{"type": "function", "function": {"name": "f"}}] | tools | unsupported_parameter
          "tool_choice": "required"              | tool_choice             | invalid_value
          "functions": [{}]                      | functions               | unsupported_parameter
          "audio": {"voice": "x"}                | audio                   | unsupported_parameter
          "modalities": ["text", "audio"]        | modalities              | unsupported_parameter
          "reasoning_effort": "high"             | reasoning_effort        | unsupported_parameter
          "top_logprobs": 2                      | top_logprobs            | invalid_value
          "logprobs": 2                          | logprobs                | invalid_type
          "max_completion_tokens": 9             | max_tokens              | invalid_value
          "prompt": "x"                          | prompt                  | unknown_parameter
          "response_format": {"type": "xml"}     | response_format.type    | invalid_value
          "response_format": {"type": "json_schema"} | response_format.json_schema.schema | invalid_value
          "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": 5}} | response_format.json_schema.schema | invalid_type
          """)
  void wrongFieldsAreNamed(String field, String parameter, String code) throws Exception {
    refused(hello(", " + field), parameter, code);
  }

  private void refused(String body, String parameter, String code) throws Exception {
    HttpResponse<String> response = gateway.post(PATH, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    JsonNode error = TestGateway.JSON.readTree(response.body()).get("error");
    assertThat(error.get("param").asString("")).isEqualTo(parameter);
    assertThat(error.get("code").stringValue()).isEqualTo(code);
  }
}
