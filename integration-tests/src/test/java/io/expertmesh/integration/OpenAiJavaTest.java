package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.ResponseFormatJsonObject;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** OpenAI's own Java client against the demo model. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenAiJavaTest {
  private static final String SUM = "What is 17 + 25?";

  private final DemoServer demo = new DemoServer();
  private final OpenAIClient client = client(DemoServer.KEY);

  @AfterAll
  void stop() {
    client.close();
    demo.close();
  }

  private OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder().baseUrl(demo.v1()).apiKey(key).maxRetries(0).build();
  }

  private static ChatCompletionCreateParams.Builder chat(String question) {
    return ChatCompletionCreateParams.builder().model("demo").addUserMessage(question).temperature(0);
  }

  @Test
  void aChatIsAnswered() {
    ChatCompletion completion = client.chat().completions().create(chat(SUM).build());
    assertThat(completion.choices().getFirst().message().content()).contains("17 + 25 = 42.");
    assertThat(completion.choices().getFirst().finishReason().toString()).isEqualTo("stop");
    assertThat(completion.usage().orElseThrow().totalTokens())
        .isEqualTo(completion.usage().orElseThrow().promptTokens()
            + completion.usage().orElseThrow().completionTokens());
  }

  @Test
  void aStreamSaysTheSame() {
    var params = chat("What does the gateway do?")
        .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
        .build();
    StringBuilder text = new StringBuilder();
    long tokens = 0;
    try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(params)) {
      for (Iterator<ChatCompletionChunk> chunks = stream.stream().iterator(); chunks.hasNext();) {
        ChatCompletionChunk chunk = chunks.next();
        chunk.choices().forEach(choice -> choice.delta().content().ifPresent(text::append));
        tokens += chunk.usage().map(usage -> usage.completionTokens()).orElse(0L);
      }
    }
    assertThat(tokens).isPositive();
    assertThat(client.chat().completions().create(params.toBuilder().streamOptions((ChatCompletionStreamOptions) null)
        .build()).choices().getFirst().message().content()).contains(text.toString());
  }

  @Test
  void logprobsAreThoseOfTheTokens() {
    var choice = client.chat().completions().create(chat(SUM).logprobs(true).topLogprobs(3).build()).choices()
        .getFirst();
    var tokens = choice.logprobs().orElseThrow().content().orElseThrow();
    StringBuilder text = new StringBuilder();
    for (var token : tokens) {
      assertThat(token.logprob()).isLessThanOrEqualTo(0);
      assertThat(token.topLogprobs()).hasSize(3);
      assertThat(token.topLogprobs().getFirst().token()).as("greedy").isEqualTo(token.token());
      text.append(token.token());
    }
    assertThat(text.toString()).isEqualTo(choice.message().content().orElseThrow() + "<|endoftext|>");
  }

  @Test
  void aCompletionWithTokenIdsContinuesThem() {
    int[] ids = demo.model.served().tokenizer().encode("Once upon a time", false);
    var params = CompletionCreateParams.builder().model("demo").temperature(0).maxTokens(8).logprobs(2).echo(true);
    Completion ofText = client.completions().create(params.prompt("Once upon a time").build());
    Completion ofIds = client.completions().create(params.prompt(CompletionCreateParams.Prompt.ofArrayOfTokens(
        Arrays.stream(ids).mapToObj(id -> (long) id).toList())).build());
    assertThat(ofText.choices().getFirst().text()).startsWith("Once upon a time");
    assertThat(ofIds.choices()).isEqualTo(ofText.choices());
    assertThat(ofIds.choices().getFirst().logprobs().orElseThrow().tokenLogprobs().orElseThrow())
        .hasSize(ids.length + 8);
  }

  @Test
  void theSameSeedGivesTheSameAnswersAndEachOfThemDiffers() {
    var params = chat("Tell me a story.").temperature(1.5).putAdditionalBodyProperty("seed", JsonValue.from(7)).n(3)
        .maxCompletionTokens(24).build();
    List<String> first = texts(client.chat().completions().create(params));
    assertThat(texts(client.chat().completions().create(params))).isEqualTo(first);
    assertThat(first).doesNotHaveDuplicates();
  }

  private static List<String> texts(ChatCompletion completion) {
    return completion.choices().stream().map(choice -> choice.message().content().orElse("")).toList();
  }

  @Test
  void aJsonSchemaIsKept() {
    String schema = """
        {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"},
         "kind": {"enum": ["cat", "dog"]}}, "required": ["name", "age", "kind"], "additionalProperties": false}""";
    var keywords = ResponseFormatJsonSchema.JsonSchema.Schema.builder();
    JsonMapper.shared().readValue(schema, new TypeReference<Map<String, Object>>() {})
        .forEach((keyword, value) -> keywords.putAdditionalProperty(keyword, JsonValue.from(value)));
    var format = ResponseFormatJsonSchema.builder()
        .jsonSchema(ResponseFormatJsonSchema.JsonSchema.builder()
            .name("pet")
            .strict(true)
            .schema(keywords.build())
            .build())
        .build();
    for (int seed = 0; seed < 5; seed++) {
      ChatCompletion completion = client.chat().completions().create(
          chat("Give me a JSON record.").temperature(1.2).putAdditionalBodyProperty("seed", JsonValue.from(seed))
              .responseFormat(format).build());
      String json = completion.choices().getFirst().message().content().orElseThrow();
      assertThat(completion.choices().getFirst().finishReason().toString()).isEqualTo("stop");
      assertThat(SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(schema)
          .validate(json, InputFormat.JSON)).as(json).isEmpty();
    }
  }

  @Test
  void aJsonObjectIsOne() {
    String json = client.chat().completions().create(chat("Give me a JSON record.")
        .responseFormat(ResponseFormatJsonObject.builder().build())
        .build()).choices().getFirst().message().content().orElseThrow();
    assertThat(JsonMapper.shared().readTree(json).isObject()).isTrue();
  }

  @Test
  void errorsAreThoseThatTheClientKnows() {
    assertThatThrownBy(() -> client.chat().completions().create(chat(SUM).model("gpt-5").build()))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("gpt-5");
    assertThatThrownBy(() -> client.chat().completions().create(chat(SUM).temperature(3).build()))
        .isInstanceOf(BadRequestException.class)
        .hasMessageContaining("temperature");
    assertThatThrownBy(() -> client.chat().completions().create(chat("word ".repeat(2000)).build()))
        .isInstanceOf(BadRequestException.class)
        .hasMessageContaining("context");
    assertThatThrownBy(() -> client("wrong").models().list()).isInstanceOf(UnauthorizedException.class);
  }

  @Test
  void theModelIsListed() {
    assertThat(client.models().list().data()).extracting(model -> model.id()).containsExactly("demo");
    assertThat(client.models().retrieve("demo").id()).isEqualTo("demo");
  }

  @Test
  void closingAStreamEarlyFreesItsMemory() {
    var params = chat("Tell me a story.").putAdditionalBodyProperty("ignore_eos", JsonValue.from(true)).build();
    try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(params)) {
      assertThat(stream.stream().limit(3)).hasSize(3);
    }
    demo.awaitIdle();
  }
}
