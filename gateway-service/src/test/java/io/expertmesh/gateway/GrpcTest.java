package io.expertmesh.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.expertmesh.proto.v1.Conversation;
import io.expertmesh.proto.v1.DetokenizeRequest;
import io.expertmesh.proto.v1.GenerateRequest;
import io.expertmesh.proto.v1.GenerateResponse;
import io.expertmesh.proto.v1.GeneratedToken;
import io.expertmesh.proto.v1.InferenceServiceGrpc;
import io.expertmesh.proto.v1.ListModelsRequest;
import io.expertmesh.proto.v1.Message;
import io.expertmesh.proto.v1.Model;
import io.expertmesh.proto.v1.Sampling;
import io.expertmesh.proto.v1.TokenIds;
import io.expertmesh.proto.v1.TokenizeRequest;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class GrpcTest {
  private static final Metadata.Key<String> REQUEST_ID = Metadata.Key.of("x-request-id",
      Metadata.ASCII_STRING_MARSHALLER);

  private final TestGateway gateway = new TestGateway(Map.of("expertmesh.grpc-port", 0, "expertmesh.max-body", "64KB"));
  private ManagedChannel channel;

  @BeforeEach
  void connect() {
    channel = channel(gateway);
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    gateway.close();
  }

  private static ManagedChannel channel(TestGateway gateway) {
    return Channels.open(String.valueOf(gateway.server.grpcEndpoint()), Role.GATEWAY, Plaintext.LOOPBACK,
        Runnable::run);
  }

  private InferenceServiceGrpc.InferenceServiceBlockingStub stub() {
    return InferenceServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  private static GenerateRequest.Builder tokens(Integer... ids) {
    return GenerateRequest.newBuilder().setTokenIds(TokenIds.newBuilder().addAllIds(List.of(ids)));
  }

  private List<GenerateResponse> generate(GenerateRequest.Builder request) {
    List<GenerateResponse> all = new ArrayList<>();
    stub().generate(request.build()).forEachRemaining(all::add);
    return all;
  }

  @Test
  void anAnswerIsTheSameAsOverHttp() throws Exception {
    List<GenerateResponse> events = generate(tokens(70, 71, 72).setMaxTokens(5).setLogprobs(2).setReturnRouting(true)
        .setSampling(Sampling.newBuilder().setTemperature(0.7).setSeed(3)));
    JsonNode http = gateway.answer("/v1/completions", """
        {"prompt": [70, 71, 72], "max_tokens": 5, "logprobs": 2, "return_token_ids": true, "temperature": 0.7,
         "seed": 3}""");

    assertThat(events.getFirst().getPrompt().getTokenIdsList()).containsExactly(70, 71, 72);
    assertThat(events.getFirst().getPrompt().getRoutingList()).hasSize(3);
    List<GeneratedToken> generated = events.stream().flatMap(event -> event.getDelta().getTokensList().stream())
        .toList();
    assertThat(generated.stream().map(GeneratedToken::getId).toList())
        .isEqualTo(http.at("/choices/0/token_ids").valueStream().map(JsonNode::intValue).toList());
    assertThat(generated.stream().map(GeneratedToken::getLogprob).toList())
        .isEqualTo(http.at("/choices/0/logprobs/token_logprobs").valueStream().map(JsonNode::floatValue).toList());
    assertThat(generated.getFirst().getAlternativesList()).hasSize(2);
    assertThat(text(events)).isEqualTo(http.at("/choices/0/text").stringValue());
    assertThat(events.getLast().getEnd().getPromptTokens()).isEqualTo(3);
    assertThat(events.getLast().getEnd().getGeneratedTokens()).isEqualTo(5);
    assertThat(events.getLast().getEnd().getRoutingList()).hasSize(4);
  }

  private static String text(List<GenerateResponse> events) {
    StringBuilder text = new StringBuilder();
    events.forEach(event -> text.append(event.getDelta().getText()));
    return text.toString();
  }

  @Test
  void aConversationAndATextAreReadAsOverHttp() throws Exception {
    GenerateRequest.Builder chat = GenerateRequest.newBuilder().setMaxTokens(3).setConversation(
        Conversation.newBuilder().addMessages(Message.newBuilder().setRole("user").setContent("Hello")));
    JsonNode http = gateway.answer("/v1/chat/completions", """
        {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3}""");

    List<GenerateResponse> events = generate(chat);

    assertThat(events.getLast().getEnd().getPromptTokens()).isEqualTo(http.at("/usage/prompt_tokens").intValue());
    assertThat(text(events)).isEqualTo(http.at("/choices/0/message/content").stringValue());
    assertThat(generate(GenerateRequest.newBuilder().setText("Once").setModel("an/alias")).getLast().getEnd()
        .getGeneratedTokens()).isPositive();
  }

  @Test
  void aWrongFieldIsNamed() {
    refused(GenerateRequest.newBuilder(), Status.Code.INVALID_ARGUMENT, "no input");
    refused(tokens(), Status.Code.INVALID_ARGUMENT, "'token_ids' is empty");
    refused(tokens(5000), Status.Code.INVALID_ARGUMENT, "5000");
    refused(tokens(-1), Status.Code.INVALID_ARGUMENT, "4294967295");
    refused(tokens(70).setModel("other"), Status.Code.NOT_FOUND, "'other' is not served here");
    refused(tokens(70).setSampling(Sampling.newBuilder().setTemperature(3)), Status.Code.INVALID_ARGUMENT,
        "'temperature'");
    refused(tokens(70).setSampling(Sampling.newBuilder().setTopP(Double.NaN)), Status.Code.INVALID_ARGUMENT, "'top_p'");
    refused(tokens(70).setLogprobs(21), Status.Code.INVALID_ARGUMENT, "'logprobs' is 21");
    refused(tokens(70).setMaxTokens(0), Status.Code.INVALID_ARGUMENT, "'max_tokens'");
    refused(tokens(70).setMaxTokens(5000), Status.Code.INVALID_ARGUMENT, "context is 64 tokens");
    refused(tokens(70).addStop(""), Status.Code.INVALID_ARGUMENT, "'stop'");
    refused(tokens(70).setJsonSchema("{"), Status.Code.INVALID_ARGUMENT, "'json_schema' is not JSON");
    refused(tokens(70).setJsonSchema("3"), Status.Code.INVALID_ARGUMENT, "schema");
    refused(tokens(70).setUnavailablePolicyValue(9), Status.Code.INVALID_ARGUMENT, "'unavailable_policy' is 9");
    refused(GenerateRequest.newBuilder().setConversation(Conversation.getDefaultInstance()),
        Status.Code.INVALID_ARGUMENT, "'messages' must have at least one");
    refused(GenerateRequest.newBuilder().setText("x".repeat(70_000)), Status.Code.RESOURCE_EXHAUSTED, "65536");
  }

  private void refused(GenerateRequest.Builder request, Status.Code code, String reason) {
    StatusRuntimeException refusal = catchThrowableOfType(StatusRuntimeException.class, () -> generate(request));
    assertThat(refusal.getStatus().getCode()).as(refusal.toString()).isEqualTo(code);
    assertThat(refusal.getStatus().getDescription()).contains(reason);
  }

  @Test
  void failuresOfTheEngineAreStatuses() {
    gateway.engine.failAfter(2);
    Iterator<GenerateResponse> events = stub().generate(tokens(70).setMaxTokens(5).build());
    assertThatThrownBy(() -> events.forEachRemaining(event -> {})).isInstanceOfSatisfying(StatusRuntimeException.class,
        failure -> {
          assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
          assertThat(failure.getStatus().getDescription()).isEqualTo("An expert is gone.");
        });
    gateway.engine.capacity(0);
    refused(tokens(70), Status.Code.RESOURCE_EXHAUSTED, "The queue is full.");
  }

  @Test
  void cancellingTheCallCancelsTheAnswer() {
    Semaphore permits = gateway.engine.pause();
    ClientCall<GenerateRequest, GenerateResponse> call = call();
    call.request(1);
    permits.release(1);
    until(() -> gateway.engine.running() == 1);

    call.cancel("enough", null);

    until(() -> gateway.engine.running() == 0);
  }

  private ClientCall<GenerateRequest, GenerateResponse> call() {
    ClientCall<GenerateRequest, GenerateResponse> call = channel.newCall(InferenceServiceGrpc.getGenerateMethod(),
        CallOptions.DEFAULT);
    call.start(new ClientCall.Listener<>() {}, new Metadata());
    call.sendMessage(tokens(70, 71).setMaxTokens(60).build());
    call.halfClose();
    return call;
  }

  private static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  @Test
  void textAndTokens() {
    List<Integer> ids = stub().tokenize(TokenizeRequest.newBuilder().setText("Hello there").build()).getIdsList();
    assertThat(ids).isNotEmpty();
    assertThat(stub().detokenize(DetokenizeRequest.newBuilder().addAllIds(ids).build()).getText())
        .isEqualTo("Hello there");
    assertThatThrownBy(() -> stub().detokenize(DetokenizeRequest.newBuilder().addIds(7).addIds(-1).build()))
        .hasMessage("INVALID_ARGUMENT: 'ids[1]' is 4294967295; this model's tokens are 0 to 1023.");
    assertThatThrownBy(() -> stub().tokenize(TokenizeRequest.newBuilder().setModel("other").build()))
        .hasMessageContaining("NOT_FOUND");
  }

  @Test
  void theModelIsDescribed() {
    Model model = stub().listModels(ListModelsRequest.getDefaultInstance()).getModels(0);
    assertThat(model.getName()).isEqualTo("demo");
    assertThat(model.getAliasesList()).containsExactly("an/alias");
    assertThat(model.getContextLength()).isEqualTo(64);
    assertThat(model.getMoeLayersList()).containsExactly(0, 1);
    assertThat(model.getExperts()).isEqualTo(16);
  }

  @Test
  void callsHaveIdsAndAreCounted() throws Exception {
    Metadata sent = new Metadata();
    sent.put(REQUEST_ID, "mine-1");
    AtomicReference<Metadata> headers = new AtomicReference<>();
    AtomicReference<Metadata> trailers = new AtomicReference<>();
    stub().withInterceptors(MetadataUtils.newAttachHeadersInterceptor(sent),
        MetadataUtils.newCaptureMetadataInterceptor(headers, trailers))
        .listModels(ListModelsRequest.getDefaultInstance());
    assertThat(headers.get().get(REQUEST_ID)).isEqualTo("mine-1");

    assertThat(gateway.get("/metrics").body()).contains(
        "expertmesh_requests_total{endpoint=\"expertmesh.v1.InferenceService/ListModels\",status=\"OK\"} 1.0");
  }

  @Test
  void keysAndBudgetsAreThoseOfHttp() throws Exception {
    try (TestGateway locked = new TestGateway(Map.of(
        "expertmesh.grpc-port", 0,
        "expertmesh.keys[0].name", "one",
        "expertmesh.keys[0].hash", "sha256:" + SecurityTest.sha256("key-1"),
        "expertmesh.keys[0].requests-per-minute", 2))) {
      ManagedChannel lockedChannel = channel(locked);
      var open = InferenceServiceGrpc.newBlockingStub(lockedChannel);
      TokenizeRequest request = TokenizeRequest.newBuilder().setText("a").build();
      assertThatThrownBy(() -> open.tokenize(request)).hasMessageStartingWith("UNAUTHENTICATED: This server needs");
      assertThatThrownBy(() -> with(open, "Bearer key-2").tokenize(request))
          .hasMessage("UNAUTHENTICATED: The API key is wrong.");

      assertThat(with(open, "Bearer key-1").tokenize(request).getIdsCount()).isPositive();
      assertThat(locked.send(locked.request("/tokenize").header("Authorization", "Bearer key-1")
          .header("Content-Type", "application/json")
          .POST(BodyPublishers.ofString("{\"prompt\": \"a\"}")).build()).statusCode())
          .isEqualTo(200);
      assertThatThrownBy(() -> with(open, "bearer key-1").tokenize(request))
          .isInstanceOfSatisfying(StatusRuntimeException.class, refusal -> {
            assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
            Metadata trailers = Objects.requireNonNull(refusal.getTrailers());
            assertThat(trailers.get(Metadata.Key.of("retry-after", Metadata.ASCII_STRING_MARSHALLER))).isNotNull();
          });
      assertThat(with(open, "Bearer key-1").listModels(ListModelsRequest.getDefaultInstance()).getModelsCount())
          .isEqualTo(1);
      lockedChannel.shutdownNow();
    }
  }

  private static InferenceServiceGrpc.InferenceServiceBlockingStub with(
      InferenceServiceGrpc.InferenceServiceBlockingStub stub, String authorization) {
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), authorization);
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  @Test
  void stoppingTellsWhatStillRuns() throws Exception {
    TestGateway stopping = new TestGateway(Map.of("expertmesh.grpc-port", 0, "expertmesh.shutdown-timeout", "100ms"));
    ManagedChannel toIt = channel(stopping);
    stopping.engine.pause().release(1);
    Iterator<GenerateResponse> events = InferenceServiceGrpc.newBlockingStub(toIt)
        .generate(tokens(70).setMaxTokens(5).build());
    assertThat(events.next().hasPrompt()).isTrue();

    stopping.close();

    assertThatThrownBy(events::hasNext).hasMessage("UNAVAILABLE: The server is stopping.");
    toIt.shutdownNow();
  }
}
