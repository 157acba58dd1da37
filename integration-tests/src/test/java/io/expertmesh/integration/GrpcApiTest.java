package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.proto.v1.GenerateRequest;
import io.expertmesh.proto.v1.GenerateResponse;
import io.expertmesh.proto.v1.GeneratedToken;
import io.expertmesh.proto.v1.InferenceServiceGrpc;
import io.expertmesh.proto.v1.InferenceServiceGrpc.InferenceServiceBlockingStub;
import io.expertmesh.proto.v1.Sampling;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A plain gRPC client against the demo model. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GrpcApiTest {
  private static final String PROMPT = "The capital of France is";

  private final DemoServer demo = new DemoServer();
  private final ManagedChannel channel = Grpc.newChannelBuilder(String.valueOf(demo.server.grpcEndpoint()),
      InsecureChannelCredentials.create()).build();

  @AfterAll
  void stop() {
    channel.shutdownNow();
    demo.close();
  }

  private InferenceServiceBlockingStub inference() {
    Metadata key = new Metadata();
    key.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + DemoServer.KEY);
    return InferenceServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(key));
  }

  @Test
  void tokensAndLogprobsAreThoseOfHttp() throws Exception {
    List<GeneratedToken> overGrpc = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    GenerateRequest request = GenerateRequest.newBuilder().setText(PROMPT).setMaxTokens(20).setLogprobs(3)
        .setSampling(Sampling.newBuilder().setTemperature(0.8).setTopP(0.9).setSeed(11))
        .build();
    inference().generate(request).forEachRemaining(response -> {
      overGrpc.addAll(response.getDelta().getTokensList());
      text.append(response.getDelta().getText());
    });

    JsonNode overHttp = completion("""
        {"prompt": "%s", "max_tokens": 20, "logprobs": 3, "temperature": 0.8, "top_p": 0.9, "seed": 11,
         "return_token_ids": true}""".formatted(PROMPT));

    assertThat(overGrpc).hasSizeGreaterThan(5);
    assertThat(overGrpc.stream().map(GeneratedToken::getId).toList())
        .isEqualTo(overHttp.at("/token_ids").valueStream().map(JsonNode::intValue).toList());
    assertThat(overGrpc.stream().map(GeneratedToken::getLogprob).toList())
        .isEqualTo(overHttp.at("/logprobs/token_logprobs").valueStream().map(JsonNode::floatValue).toList());
    assertThat(text.toString()).isEqualTo(overHttp.at("/text").stringValue());
  }

  private JsonNode completion(String body) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(demo.v1() + "/completions"))
          .header("Content-Type", "application/json").header("Authorization", "Bearer " + DemoServer.KEY)
          .POST(BodyPublishers.ofString(body)).build();
      return JsonMapper.shared().readTree(client.send(request, BodyHandlers.ofString()).body()).at("/choices/0");
    }
  }

  @Test
  void leavingFreesTheAnswersPages() {
    CancellableContext context = Context.current().withCancellation();
    context.run(() -> {
      Iterator<GenerateResponse> events = inference()
          .generate(GenerateRequest.newBuilder().setText(PROMPT).setIgnoreEos(true).build());
      assertThat(events.next().hasPrompt()).isTrue();
    });
    context.cancel(null);
    demo.awaitIdle();
  }

  @Test
  void servicesAreListedByReflection() {
    assertThat(Reflection.services(channel)).contains("expertmesh.v1.InferenceService", "grpc.health.v1.Health");
  }
}
