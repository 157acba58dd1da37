package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.expert.ExpertConfiguration;
import io.expertmesh.expert.ExpertIds;
import io.expertmesh.expert.ExpertServer;
import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.GatewayServer;
import io.expertmesh.gateway.remote.RemoteModel;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.integration.OtlpSink.Received;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.proto.v1.GenerateRequest;
import io.expertmesh.proto.v1.InferenceServiceGrpc;
import io.expertmesh.telemetry.Telemetry;
import io.expertmesh.transport.Plaintext;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a collector gets of a gateway and two expert processes, and what they do without one. */
@Timeout(120)
class TracesTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String CLIENT = "00f067aa0ba902b7";
  private static final String SAMPLED = "00-%s-%s-01".formatted(TRACE, CLIENT);
  private static final String NOT_SAMPLED = "00-%s-%s-00".formatted(TRACE, CLIENT);
  private static final String SECRET = "swordfish";
  private static final int LAYERS = 4;

  /** A gateway and two expert processes, each with telemetry of its own as separate processes have. */
  private static final class Mesh implements AutoCloseable {
    private final Telemetry experts;
    private final Telemetry gateway;
    private final List<ExpertServer> servers;
    private final RemoteModel remote;
    private final EmbeddedModel model;
    private final GatewayServer server;

    Mesh(Map<String, String> settings) throws InterruptedException {
      experts = Telemetry.start("expertmesh-expert", "experts", settings);
      gateway = Telemetry.start("expertmesh-gateway", "gateway-7", settings);
      servers = List.of(expert("0-7"), expert("8-15"));
      GatewayConfiguration configuration = GatewayConfiguration.read(
          Map.of("expertmesh.port", 0, "expertmesh.grpc-port", 0, "expertmesh.trace-steps", 4), null);
      remote = new RemoteModel("gateway-7", configuration.experts(),
          RemoteModel.experts(servers.stream().map(ExpertServer::grpcEndpoint).toList(), Plaintext.LOOPBACK),
          Plaintext.LOOPBACK);
      model = EmbeddedModel.open(DemoRequests.DEMO, "demo", List.of(), Numerics.EXACT, 1, remote);
      remote.awaitExperts();
      server = GatewayServer.start(configuration, ModelVersions.of(model.served()), List.of(), gateway);
    }

    private ExpertServer expert(String ids) {
      return ExpertServer.start(ExpertConfiguration.of("expert-" + ids, ExpertIds.parse(ids)), DemoRequests.DEMO,
          experts);
    }

    HttpResponse<String> complete(String traceparent) throws Exception {
      try (HttpClient client = HttpClient.newHttpClient()) {
        return client.send(HttpRequest.newBuilder(URI.create(server.url() + "/v1/completions"))
            .header("Content-Type", "application/json")
            .header("traceparent", traceparent)
            .header("X-Request-Id", "mine-1")
            .POST(BodyPublishers.ofString("""
                {"prompt": "%s is", "max_tokens": 9, "ignore_eos": true, "temperature": 0}""".formatted(SECRET)))
            .build(), BodyHandlers.ofString());
      }
    }

    String metrics(String accept) throws Exception {
      try (HttpClient client = HttpClient.newHttpClient()) {
        return client.send(HttpRequest.newBuilder(URI.create(server.url() + "/metrics")).header("Accept", accept)
            .build(), BodyHandlers.ofString()).body();
      }
    }

    @Override
    public void close() {
      server.close();
      model.close();
      remote.close();
      servers.forEach(ExpertServer::close);
      gateway.close();
      experts.close();
    }
  }

  private static Map<String, String> to(String endpoint) {
    return Map.of("otel.exporter.otlp.endpoint", endpoint, "otel.bsp.schedule.delay", "20");
  }

  private static Predicate<List<Received>> ended(String name) {
    return spans -> spans.stream().anyMatch(span -> span.name().equals(name));
  }

  private static List<Received> named(List<Received> spans, String name) {
    return spans.stream().filter(span -> span.name().equals(name)).toList();
  }

  private static Received one(List<Received> spans, String name) {
    assertThat(named(spans, name)).as(name).hasSize(1);
    return named(spans, name).getFirst();
  }

  @Test
  void aRequestsSpansGoFromTheClientsTraceToTheExperts() throws Exception {
    List<Received> spans;
    String openMetrics;
    try (OtlpSink sink = new OtlpSink()) {
      try (Mesh mesh = new Mesh(to(sink.endpoint()))) {
        assertThat(mesh.complete(SAMPLED).statusCode()).isEqualTo(200);
        sink.await(ended("POST /v1/completions"));
        openMetrics = mesh.metrics("application/openmetrics-text");
        assertThat(mesh.metrics("text/plain")).doesNotContain(TRACE);
      }
      spans = sink.spans();
    }
    Map<String, String> names = spans.stream().collect(Collectors.toMap(Received::id, Received::name));
    assertThat(spans).allSatisfy(span -> assertThat(span.trace()).isEqualTo(TRACE));
    assertThat(spans.toString()).doesNotContain(SECRET);

    Received request = one(spans, "POST /v1/completions");
    assertThat(request.parent()).isEqualTo(CLIENT);
    assertThat(request.service()).isEqualTo("expertmesh-gateway");
    assertThat(request.instance()).isEqualTo("gateway-7");
    assertThat(request.attributes()).containsEntry("http.request.id", "mine-1")
        .containsEntry("http.response.status_code", "200")
        .containsEntry("gen_ai.request.model", "demo")
        .containsEntry("gen_ai.operation.name", "text_completion")
        .containsEntry("gen_ai.usage.output_tokens", "9");
    for (String phase : List.of("prompt", "queue", "prefill", "decode")) {
      assertThat(one(spans, phase).parent()).as(phase).isEqualTo(request.id());
    }
    assertThat(one(spans, "decode").attributes()).containsEntry("expertmesh.tokens", "9")
        .containsEntry("expertmesh.steps", "8");

    // The step of prefill, and of the 8 of decode the first and the fifth.
    List<Received> steps = named(spans, "step");
    assertThat(steps).hasSize(3);
    assertThat(steps.stream().map(step -> names.getOrDefault(step.parent(), "")).toList())
        .containsExactly("prefill", "decode", "decode");
    List<Received> layers = spans.stream().filter(span -> span.name().startsWith("layer ")).toList();
    assertThat(layers).hasSize(3 * LAYERS)
        .allSatisfy(layer -> assertThat(names.getOrDefault(layer.parent(), "")).isEqualTo("step"));
    List<Received> calls = named(spans, "experts");
    assertThat(calls).hasSize(3 * LAYERS).allSatisfy(call -> {
      assertThat(names.getOrDefault(call.parent(), "")).startsWith("layer ");
      assertThat(call.events()).contains("sent", "answered");
    });
    List<Received> batches = named(spans, "batch");
    assertThat(batches).isNotEmpty().allSatisfy(batch -> {
      assertThat(batch.service()).isEqualTo("expertmesh-expert");
      assertThat(names.getOrDefault(batch.parent(), "")).isEqualTo("experts");
      assertThat(batch.attributes()).containsKeys("expertmesh.rows", "expertmesh.layer", "expertmesh.queue_micros",
          "expertmesh.compute_micros").containsEntry("expertmesh.gateway", "gateway gateway-7");
    });
    assertThat(batches.stream().map(batch -> batch.attributes().get("expertmesh.group")).collect(Collectors.toSet()))
        .isEqualTo(Set.of("experts 0-7", "experts 8-15"));
    assertThat(openMetrics.lines().filter(line -> line.contains("trace_id")))
        .as("Prometheus refuses a page with exemplars elsewhere")
        .allMatch(line -> line.matches("\\w+(_bucket|_total)\\{.*"));
    for (String histogram : List.of("expertmesh_request_duration_seconds_bucket",
        "expertmesh_time_to_first_token_seconds_bucket", "expertmesh_time_per_output_token_seconds_bucket")) {
      assertThat(openMetrics.lines())
          .anyMatch(line -> line.startsWith(histogram) && line.contains("trace_id=\"" + TRACE + "\""));
    }
  }

  @Test
  void aCallOverGrpcIsTracedToo() throws Exception {
    try (OtlpSink sink = new OtlpSink(); Mesh mesh = new Mesh(to(sink.endpoint()))) {
      ManagedChannel channel = Grpc.newChannelBuilder(String.valueOf(mesh.server.grpcEndpoint()),
          InsecureChannelCredentials.create()).build();
      try {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), SAMPLED);
        InferenceServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
            .generate(GenerateRequest.newBuilder().setText(SECRET).setMaxTokens(2).build())
            .forEachRemaining(response -> {});
      } finally {
        channel.shutdownNow();
      }
      List<Received> spans = sink.await(ended("expertmesh.v1.InferenceService/Generate"));
      Received call = one(spans, "expertmesh.v1.InferenceService/Generate");
      assertThat(call.parent()).isEqualTo(CLIENT);
      assertThat(call.attributes()).containsEntry("rpc.grpc.status_code", "0").containsKey("http.request.id")
          .containsEntry("gen_ai.usage.output_tokens", "2");
      List<Received> all = sink.await(ended("decode"));
      for (String phase : List.of("prompt", "queue", "prefill", "decode")) {
        assertThat(one(all, phase).parent()).as(phase).isEqualTo(call.id());
      }
      assertThat(named(all, "batch")).allSatisfy(batch -> assertThat(batch.trace()).isEqualTo(TRACE));
    }
  }

  @Test
  void whatTheClientDoesNotSampleHasNoSpans() throws Exception {
    try (OtlpSink sink = new OtlpSink(); Mesh mesh = new Mesh(to(sink.endpoint()))) {
      assertThat(mesh.complete(NOT_SAMPLED).statusCode()).isEqualTo(200);
      assertThat(mesh.metrics("application/openmetrics-text")).doesNotContain("trace_id");
      assertThat(mesh.complete(SAMPLED).statusCode()).isEqualTo(200);
      List<Received> spans = sink.await(ended("POST /v1/completions"));
      one(spans, "POST /v1/completions");
      one(spans, "prompt");
    }
  }

  @Test
  void withoutAnEndpointThereAreNoSpans() throws Exception {
    try (Mesh mesh = new Mesh(Map.of())) {
      assertThat(mesh.gateway.isOn()).isFalse();
      HttpResponse<String> answer = mesh.complete(SAMPLED);
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.headers().firstValue("x-request-id")).contains("mine-1");
      assertThat(mesh.metrics("application/openmetrics-text")).contains("# EOF").doesNotContain("trace_id");
    }
  }

  @Test
  void aCollectorThatTakesNothingHoldsNothingUp() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Map<String, String> settings = Map.of("otel.exporter.otlp.endpoint", "http://127.0.0.1:" + silent.getLocalPort(),
          "otel.bsp.schedule.delay", "1", "otel.bsp.max.queue.size", "16", "otel.bsp.max.export.batch.size", "4");
      long closing;
      try (Mesh mesh = new Mesh(settings)) {
        mesh.complete(NOT_SAMPLED);
        long start = System.nanoTime();
        for (int i = 0; i < 20; i++) {
          assertThat(mesh.complete(SAMPLED).statusCode()).isEqualTo(200);
        }
        // The exporter's timeout is 10 s.
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        closing = System.nanoTime();
      }
      assertThat(Duration.ofNanos(System.nanoTime() - closing)).isLessThan(Duration.ofSeconds(15));
    }
  }
}
