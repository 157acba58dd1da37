package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** LangChain4j against the demo model. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LangChain4jTest {
  private final DemoServer demo = new DemoServer();
  private final OpenAiChatModel chat = OpenAiChatModel.builder()
      .baseUrl(demo.v1())
      .apiKey(DemoServer.KEY)
      .modelName("demo")
      .temperature(0.0)
      .maxRetries(0)
      .build();

  @AfterAll
  void stop() {
    demo.close();
  }

  @Test
  void aChatIsAnswered() {
    ChatResponse response = chat.chat(SystemMessage.from("Be short."), UserMessage.from("What is 17 + 25?"));
    assertThat(response.aiMessage().text()).isEqualTo("17 + 25 = 42.");
    assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(response.tokenUsage().outputTokenCount()).isPositive();
  }

  @Test
  void aStreamSaysTheSame() throws Exception {
    OpenAiStreamingChatModel streaming = OpenAiStreamingChatModel.builder()
        .baseUrl(demo.v1())
        .apiKey(DemoServer.KEY)
        .modelName("demo")
        .temperature(0.0)
        .build();
    StringBuilder pieces = new StringBuilder();
    CompletableFuture<ChatResponse> complete = new CompletableFuture<>();
    streaming.chat("What is 17 + 25?", new StreamingChatResponseHandler() {
      @Override
      public void onPartialResponse(String piece) {
        pieces.append(piece);
      }

      @Override
      public void onCompleteResponse(ChatResponse response) {
        complete.complete(response);
      }

      @Override
      public void onError(Throwable failure) {
        complete.completeExceptionally(failure);
      }
    });
    ChatResponse response = complete.get(20, TimeUnit.SECONDS);
    assertThat(response.aiMessage().text()).isEqualTo("17 + 25 = 42.").isEqualTo(pieces.toString());
    assertThat(response.tokenUsage().totalTokenCount()).isPositive();
  }

  @Test
  void aJsonSchemaIsKept() {
    ChatResponse response = chat.chat(ChatRequest.builder()
        .messages(UserMessage.from("Give me a JSON record."))
        .responseFormat(ResponseFormat.builder()
            .type(ResponseFormatType.JSON)
            .jsonSchema(JsonSchema.builder()
                .name("person")
                .rootElement(JsonObjectSchema.builder()
                    .addStringProperty("name")
                    .addIntegerProperty("age")
                    .required("name", "age")
                    .build())
                .build())
            .build())
        .build());
    JsonNode person = JsonMapper.shared().readTree(response.aiMessage().text());
    assertThat(person.get("name").isString()).isTrue();
    assertThat(person.get("age").isIntegralNumber()).isTrue();
  }
}
