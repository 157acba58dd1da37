package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.model.tokenizer.Tokenizer;
import java.net.http.HttpResponse;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The engine of these tests says what a test wants it to say; its chat template takes tools as Qwen's does. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ToolCallsTest {
  private static final String PATH = "/v1/chat/completions";
  private static final String TEMPLATE = """
      {%- for tool in tools or [] %}{{ tool | tojson }}
      {% endfor %}
      {%- for message in messages %}{{ message.role + ': ' + (message.content or '-') + '\\n' }}
      {%- for call in message.tool_calls or [] %}{{ '<tool_call>\\n{"name": "' + call.function.name }}
      {{- '", "arguments": ' + (call.function.arguments | tojson) + '}\\n</tool_call>\\n' }}{% endfor %}{% endfor %}""";
  private static final String WEATHER = """
      {"type": "function", "function": {"name": "get_weather", "strict": false, "parameters": {"type": "object",
       "properties": {"town": {"type": "string"}}, "required": ["town"]}, "description": "The weather."}}""";
  private static final String NOW = "{\"type\": \"function\", \"function\": {\"name\": \"now\"}}";
  private static final String CALL = """
      <tool_call>
      {"name": "get_weather", "arguments": {"town": "Zürich 😀"}}
      </tool_call>""";

  private final TestGateway gateway = new TestGateway(TEMPLATE, 4096);
  private final Tokenizer tokenizer = TestGateway.sharedTokenizer();

  @AfterAll
  void stop() {
    gateway.close();
  }

  private static String request(String more) {
    return """
        {"messages": [{"role": "user", "content": "Weather?"}], "tools": [%s, %s]%s}""".formatted(WEATHER, NOW, more);
  }

  /** The engine will answer {@code text} and end it. */
  private void script(String text) {
    int[] ids = tokenizer.encode(text, false);
    gateway.engine.answer(IntStream.concat(IntStream.of(ids), IntStream.of(0)).toArray());
  }

  private JsonNode choice(String more) throws Exception {
    return gateway.answer(PATH, request(more)).at("/choices/0");
  }

  @Test
  void aCallIsReadFromTheAnswer() throws Exception {
    script("Let me look.\n" + CALL);
    JsonNode choice = choice("");
    assertThat(choice.get("finish_reason").stringValue()).isEqualTo("tool_calls");
    assertThat(choice.at("/message/content").stringValue()).isEqualTo("Let me look.");
    assertThat(choice.at("/message/tool_calls")).hasSize(1);
    JsonNode call = choice.at("/message/tool_calls/0");
    assertThat(call.get("id").stringValue()).startsWith("call_");
    assertThat(call.get("type").stringValue()).isEqualTo("function");
    assertThat(call.at("/function/name").stringValue()).isEqualTo("get_weather");
    assertThat(call.at("/function/arguments").stringValue()).isEqualTo("{\"town\": \"Zürich 😀\"}");
  }

  @Test
  void aMessageThatOnlyCallsHasNoContent() throws Exception {
    script(CALL + "\n" + CALL);
    JsonNode message = choice("").get("message");
    assertThat(message.get("content").isNull()).isTrue();
    assertThat(message.get("tool_calls")).hasSize(2);
    assertThat(message.at("/tool_calls/0/id")).isNotEqualTo(message.at("/tool_calls/1/id"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Sunny, 21 °C.", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {oops}}\n</tool_call>",
          "<tool_call>\n{\"name\": \"unknown\", \"arguments\": {}}\n</tool_call>\n", "a <tool_ca"})
  void whatIsNoCallIsContent(String text) throws Exception {
    script(text);
    JsonNode choice = choice("");
    assertThat(choice.at("/message/content").stringValue()).isEqualTo(text);
    assertThat(choice.get("message").has("tool_calls")).isFalse();
    assertThat(choice.get("finish_reason").stringValue()).isEqualTo("stop");
    assertThat(content(gateway.stream(PATH, request(", \"stream\": true")))).isEqualTo(text);
  }

  @Test
  void anAnswerThatIsCutOffInACallIsContent() throws Exception {
    script(CALL);
    JsonNode choice = choice(", \"max_tokens\": 12");
    assertThat(choice.get("finish_reason").stringValue()).isEqualTo("length");
    assertThat(choice.at("/message/content").stringValue()).startsWith("<tool_call>");
  }

  private static String content(List<JsonNode> chunks) {
    StringBuilder text = new StringBuilder();
    chunks.forEach(chunk -> text.append(chunk.at("/choices/0/delta/content").asString("")));
    return text.toString();
  }

  @Test
  void aStreamHasTheNameAndThenTheArguments() throws Exception {
    script("Let me look.\n\n" + CALL + "\n" + CALL);
    List<JsonNode> chunks = gateway.stream(PATH, request(", \"stream\": true"));
    assertThat(content(chunks)).isEqualTo("Let me look.");
    Map<Integer, StringBuilder> calls = new TreeMap<>();
    for (JsonNode chunk : chunks) {
      for (JsonNode call : chunk.at("/choices/0/delta/tool_calls")) {
        int index = call.get("index").intValue();
        assertThat(call.has("id")).as("only at the beginning").isEqualTo(!calls.containsKey(index));
        StringBuilder text = calls.computeIfAbsent(index, begins -> new StringBuilder());
        text.append(call.at("/function/name").asString(""));
        text.append(call.at("/function/arguments").stringValue());
      }
    }
    assertThat(calls.values().stream().map(StringBuilder::toString))
        .isEqualTo(Collections.nCopies(2, "get_weather{\"town\": \"Zürich 😀\"}"));
    assertThat(calls.keySet()).containsExactly(0, 1);
    assertThat(chunks.getLast().at("/choices/0/finish_reason").stringValue()).isEqualTo("tool_calls");
    assertThat(chunks.getLast().at("/choices/0/delta").isEmpty()).isTrue();
  }

  @Test
  void severalAnswersHaveTheirOwnCallsAndLogprobsAreThoseOfAllTokens() throws Exception {
    script(CALL);
    int tokens = tokenizer.encode(CALL, false).length + 1;
    JsonNode whole = gateway.answer(PATH, request(", \"n\": 2, \"logprobs\": true, \"return_token_ids\": true"));
    for (JsonNode choice : whole.get("choices")) {
      assertThat(choice.at("/message/tool_calls")).hasSize(1);
      assertThat(choice.at("/logprobs/content")).hasSize(tokens);
      assertThat(choice.get("token_ids")).hasSize(tokens);
    }
    List<JsonNode> chunks = gateway.stream(PATH,
        request(", \"n\": 2, \"logprobs\": true, \"return_token_ids\": true, \"stream\": true"));
    int[] logprobs = new int[2];
    int[] ids = new int[2];
    int[] calls = new int[2];
    for (JsonNode chunk : chunks) {
      int index = chunk.at("/choices/0/index").intValue();
      logprobs[index] += chunk.at("/choices/0/logprobs/content").size();
      ids[index] += chunk.at("/choices/0/token_ids").size();
      calls[index] += chunk.at("/choices/0/delta/tool_calls/0").has("id") ? 1 : 0;
    }
    assertThat(logprobs).containsExactly(tokens, tokens);
    assertThat(ids).containsExactly(tokens, tokens);
    assertThat(calls).containsExactly(1, 1);
  }

  @Test
  void thePromptHasToolsCallsAndResults() throws Exception {
    script("ok");
    JsonNode answer = gateway.answer(PATH,
        """
            {"return_token_ids": true, "tools": [%s, %s], "parallel_tool_calls": true, "messages": [
              {"role": "user", "content": "Weather?"},
              {"role": "assistant", "content": null, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{\\"town\\":\\"Bern\\"}"}},
                {"id": "b", "type": "function", "function": {"name": "now", "arguments": ""}}]},
              {"role": "tool", "tool_call_id": "a", "content": "21"},
              {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "12:00"}]}]}"""
            .formatted(WEATHER,
                NOW));
    int[] prompt = answer.at("/choices/0/prompt_token_ids").valueStream().mapToInt(JsonNode::intValue).toArray();
    assertThat(tokenizer.decode(prompt, false)).isEqualTo("""
        {"type": "function", "function": {"name": "get_weather", "description": "The weather.", "parameters": \
        {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}}}
        {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
        user: Weather?
        assistant: -
        <tool_call>
        {"name": "get_weather", "arguments": {"town": "Bern"}}
        </tool_call>
        <tool_call>
        {"name": "now", "arguments": {}}
        </tool_call>
        tool: 21
        tool: 12:00
        """);
  }

  @Test
  void withoutAChoiceOfToolsThePromptHasNoneAndTheAnswerIsContent() throws Exception {
    script(CALL);
    JsonNode choice = choice(", \"tool_choice\": \"none\", \"return_token_ids\": true");
    assertThat(choice.at("/message/content").stringValue()).isEqualTo(CALL);
    int[] prompt = choice.get("prompt_token_ids").valueStream().mapToInt(JsonNode::intValue).toArray();
    assertThat(tokenizer.decode(prompt, false)).doesNotContain("get_weather");
  }

  @Test
  void onlyAChoiceThatMustBeKeptConstrainsTheAnswer() throws Exception {
    script("ok");
    choice(", \"tool_choice\": \"auto\"");
    assertThat(gateway.engine.last().constraint()).isNull();
    for (String field : List.of("\"tool_choice\": \"required\"", "\"parallel_tool_calls\": false",
        "\"tool_choice\": {\"type\": \"function\", \"function\": {\"name\": \"now\"}}",
        "\"response_format\": {\"type\": \"json_object\"}")) {
      choice(", " + field);
      assertThat(gateway.engine.last().constraint()).as(field).isNotNull();
    }
    gateway.answer(PATH, request("").replace("\"strict\": false", "\"strict\": true"));
    assertThat(gateway.engine.last().constraint()).isNotNull();
  }

  @Test
  void tokenizeCountsTheTools() throws Exception {
    String message = "{\"messages\": [{\"role\": \"user\", \"content\": \"Weather?\"}]}";
    int without = gateway.answer("/tokenize", message).get("count").intValue();
    assertThat(gateway.answer("/tokenize", request("")).get("count").intValue()).isGreaterThan(without + 50);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock = """
          "tools": [{"type": "web_search"}]                                                 | tools[0].type | invalid_value
          "tools": [{"type": "function"}]                                                   | tools[0].function | invalid_value
          "tools": [{"type": "function", "function": {}}]                                   | tools[0].function.name | invalid_value
          "tools": [{"type": "function", "function": {"name": "a b"}}]                      | tools[0].function.name | invalid_value
          "tools": [{"type": "function", "function": {"name": "f", "parameters": 5}}]       | tools[0].function.parameters | invalid_type
          "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}] | tools[0].function.parameters | invalid_value
          "tools": [{"type": "function", "function": {"name": "f", "more": 1}}]             | tools[0].function.more | unknown_parameter
          "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}] | tools | invalid_value
          "tools": {}                                                                       | tools | invalid_type
          "tool_choice": "any"                                                              | tool_choice | invalid_value
          "tool_choice": {"type": "function", "function": {"name": "other"}}                | tool_choice | invalid_value
          "tool_choice": {"type": "allowed_tools"}                                          | tool_choice | invalid_value
          "parallel_tool_calls": "no"                                                       | parallel_tool_calls | invalid_type
          "tools": [{"type": "function", "function": {"name": "f", "strict": true, "parameters": {"type": "object", "not": {}}}}] | tools | invalid_value
          """)
  void wrongToolsAreNamed(String field, String parameter, String code) throws Exception {
    refused(gateway, field.startsWith("\"tools\"")
        ? "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], " + field + "}"
        : request(", " + field), parameter, code);
  }

  @Test
  void tooManyToolsAreRefused() throws Exception {
    String many = String.join(",", Collections.nCopies(129, NOW));
    refused(gateway, "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"tools\": [" + many + "]}", "tools",
        "invalid_value");
    String large = NOW.replace("now\"", "now\", \"description\": \"" + "x".repeat(300_000) + "\"");
    refused(gateway, "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"tools\": [" + large + "]}", "tools",
        "invalid_value");
  }

  @Test
  void aModelThatTakesNoToolsSaysSo() throws Exception {
    try (TestGateway plain = new TestGateway()) {
      assertThat(refused(plain, request(""), "tools", "unsupported_parameter"))
          .contains("chat template has no place for tools");
    }
    try (TestGateway other = new TestGateway("{{ tools }}", 64)) {
      assertThat(refused(other, request(""), "tools", "unsupported_parameter")).contains("format");
    }
  }

  private static String refused(TestGateway gateway, String body, String parameter, String code) throws Exception {
    HttpResponse<String> response = gateway.post(PATH, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    JsonNode error = TestGateway.JSON.readTree(response.body()).get("error");
    assertThat(error.get("param").asString("")).isEqualTo(parameter);
    assertThat(error.get("code").stringValue()).isEqualTo(code);
    return error.get("message").stringValue();
  }
}
