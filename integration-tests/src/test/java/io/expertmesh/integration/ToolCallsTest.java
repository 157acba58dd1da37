package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionMessageToolCall;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** OpenAI's own Java client against the demo model, which knows nothing of tools and is made to call them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ToolCallsTest {
  private static final String PARAMETERS = """
      {"type": "object", "properties": {"town": {"enum": ["Zürich", "São Paulo", "東京"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7}, "note": {"type": "string", "maxLength": 8}},
       "required": ["town", "days", "note"], "additionalProperties": false}""";
  private static final Schema SCHEMA = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
      .getSchema(PARAMETERS);

  /** Ways of writing calls. */
  enum Format {
    QWEN(
        "'<tool_call>\\n{\"name\": \"' + call.name + '\", \"arguments\": ' + (call.arguments | tojson) + '}'"), DEEPSEEK(
            "'<｜tool▁calls▁begin｜>function<｜tool▁sep｜>' + call.name + '\\n```json\\n' + call.arguments"), MISTRAL(
                "'[TOOL_CALLS] [' + (call | tojson) + ']'");

    private final String call;

    Format(String call) {
      this.call = call;
    }

    String template() {
      return "{{ tools | tojson if tools }}{% for message in messages %}{{ '<|' + message.role + '|>\\n' }}"
          + "{% for called in message.tool_calls or [] %}{% set call = called.function %}{{ " + call + " }}"
          + "{% endfor %}{{ (message.content or '') + '\\n' }}{% endfor %}"
          + "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";
    }
  }

  private final List<AutoCloseable> opened = new ArrayList<>();

  private Path folder = Path.of("");
  private OpenAIClient qwen = OpenAIOkHttpClient.builder().apiKey("unused").build();

  @BeforeAll
  void open(@TempDir Path models) throws IOException {
    folder = models;
    qwen = client(Format.QWEN);
  }

  @AfterAll
  void close() throws Exception {
    for (AutoCloseable one : opened.reversed()) {
      one.close();
    }
  }

  private OpenAIClient client(Format format) throws IOException {
    Path model = Files.createDirectory(folder.resolve(format.name()));
    try (Stream<Path> files = Files.list(Path.of("../models/demo"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, model.resolve(file.getFileName()));
      }
    }
    Files.writeString(model.resolve("chat_template.jinja"), format.template());
    DemoServer server = new DemoServer(model);
    OpenAIClient client = OpenAIOkHttpClient.builder().baseUrl(server.v1()).apiKey(DemoServer.KEY).maxRetries(0)
        .build();
    opened.add(server);
    opened.add(client::close);
    return client;
  }

  private static ChatCompletionFunctionTool tool(String name, boolean strict) {
    var parameters = FunctionParameters.builder();
    JsonMapper.shared().readValue(PARAMETERS, new TypeReference<Map<String, Object>>() {})
        .forEach((keyword, value) -> parameters.putAdditionalProperty(keyword, JsonValue.from(value)));
    return ChatCompletionFunctionTool.builder().function(FunctionDefinition.builder().name(name)
        .description("The weather.").strict(strict).parameters(parameters.build()).build()).build();
  }

  private static ChatCompletionCreateParams.Builder chat(int seed) {
    return ChatCompletionCreateParams.builder().model("demo").addUserMessage("Weather?").temperature(1.2)
        .putAdditionalBodyProperty("seed", JsonValue.from(seed)).addTool(tool("weather", true))
        .addTool(tool("forecast", false));
  }

  private static ChatCompletionToolChoiceOption required() {
    return ChatCompletionToolChoiceOption.ofAuto(ChatCompletionToolChoiceOption.Auto.REQUIRED);
  }

  private static List<ChatCompletionMessageFunctionToolCall> calls(ChatCompletion completion) {
    return completion.choices().getFirst().message().toolCalls().orElse(List.of()).stream()
        .map(ChatCompletionMessageToolCall::asFunction).toList();
  }

  private static void isValid(ChatCompletionMessageFunctionToolCall call) {
    assertThat(call.id()).isNotEmpty();
    assertThat(call.function().name()).isIn("weather", "forecast");
    assertThat(SCHEMA.validate(call.function().arguments(), InputFormat.JSON)).as(call.function().arguments())
        .isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void aRequiredCallIsValid(Format format) throws IOException {
    OpenAIClient client = format == Format.QWEN ? qwen : client(format);
    for (int seed = 0; seed < 4; seed++) {
      ChatCompletion completion = client.chat().completions()
          .create(chat(seed).toolChoice(required()).parallelToolCalls(false).build());
      assertThat(completion.choices().getFirst().finishReason().toString()).isEqualTo("tool_calls");
      assertThat(completion.choices().getFirst().message().content()).isEmpty();
      assertThat(calls(completion)).hasSize(1).allSatisfy(ToolCallsTest::isValid);
    }
  }

  @Test
  void aNamedFunctionIsTheOneThatIsCalled() {
    var named = ChatCompletionNamedToolChoice.builder()
        .function(ChatCompletionNamedToolChoice.Function.builder().name("forecast").build()).build();
    for (int seed = 0; seed < 4; seed++) {
      List<ChatCompletionMessageFunctionToolCall> calls = calls(qwen.chat().completions()
          .create(chat(seed).toolChoice(ChatCompletionToolChoiceOption.ofNamedToolChoice(named)).build()));
      assertThat(calls).hasSize(1).allSatisfy(ToolCallsTest::isValid);
      assertThat(calls.getFirst().function().name()).isEqualTo("forecast");
    }
  }

  @Test
  void aStreamSaysTheSame() {
    var params = chat(3).toolChoice(required()).parallelToolCalls(false).logprobs(true).build();
    ChatCompletion whole = qwen.chat().completions().create(params);
    ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
    try (StreamResponse<ChatCompletionChunk> stream = qwen.chat().completions().createStreaming(params)) {
      stream.stream().forEach(accumulator::accumulate);
    }
    ChatCompletion streamed = accumulator.chatCompletion();
    assertThat(calls(streamed).getFirst().function()).isEqualTo(calls(whole).getFirst().function());
    assertThat(streamed.choices().getFirst().finishReason()).isEqualTo(whole.choices().getFirst().finishReason());
    assertThat(streamed.choices().getFirst().logprobs().orElseThrow().content().orElseThrow())
        .isEqualTo(whole.choices().getFirst().logprobs().orElseThrow().content().orElseThrow());
  }

  @Test
  void severalAnswersCallAsTheyLike() {
    ChatCompletion completion = qwen.chat().completions()
        .create(chat(1).toolChoice(required()).parallelToolCalls(false).n(3).build());
    assertThat(completion.choices()).hasSize(3).allSatisfy(choice -> isValid(choice.message().toolCalls().orElseThrow()
        .getFirst().asFunction()));
  }

  @Test
  void aConversationGoesOnWithTheResult() {
    ChatCompletion called = qwen.chat().completions()
        .create(chat(2).toolChoice(required()).parallelToolCalls(false).build());
    ChatCompletion answer = qwen.chat().completions().create(chat(2)
        .addMessage(called.choices().getFirst().message())
        .addMessage(ChatCompletionToolMessageParam.builder().toolCallId(calls(called).getFirst().id()).content("21 °C")
            .build())
        .toolChoice(ChatCompletionToolChoiceOption.ofAuto(ChatCompletionToolChoiceOption.Auto.NONE))
        .maxCompletionTokens(8).build());
    assertThat(answer.choices().getFirst().message().toolCalls()).isEmpty();
    assertThat(answer.choices().getFirst().message().content()).isPresent();
  }
}
