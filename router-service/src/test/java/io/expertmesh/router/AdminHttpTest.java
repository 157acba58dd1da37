package io.expertmesh.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.AdminServiceGrpc;
import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.GetStateRequest;
import io.expertmesh.proto.v1.LoadReport;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.router.metrics.RouterCounters.Event;
import io.expertmesh.transport.Plaintext;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class AdminHttpTest {
  private static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization",
      Metadata.ASCII_STRING_MARSHALLER);

  private static HttpResponse<String> send(TestRouter router, String method, String path, String body,
      @Nullable String key) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(router.server.url() + path))
        .method(method, BodyPublishers.ofString(body));
    if (key != null) {
      request.header("Authorization", "Bearer " + key);
    }
    return CLIENT.send(request.build(), BodyHandlers.ofString());
  }

  private static JsonNode json(HttpResponse<String> response) {
    return JsonMapper.shared().readTree(response.body());
  }

  private static String hash(String key) throws Exception {
    return "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256")
        .digest(key.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void operatorsSeeAndChangeTheState() throws Exception {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      router.process(Fakes.fixed("expert-0-0", 9000, 0, 7).toBuilder().setLoad(LoadReport.newBuilder()
          .addExperts(ExpertLoad.newBuilder().setLayer(1).setExpertId(3).setRows(30))).build());
      router.process(Fakes.fixed("expert-0-1", 9001, 0, 7));
      RegisterRequest last = Fakes.fixed("expert-1-0", 9002, 8, 15);
      router.process(last.toBuilder().setFingerprint(last.getFingerprint().toBuilder().setHeldDtype("q4_0")).build());
      TestRouter.await("three", () -> gateway.replicas().size() == 3);
      JsonNode state = json(send(router, "GET", "/v1/admin/state", "", null));
      assertThat(state.path("processes")).hasSize(3);
      assertThat(state.at("/processes/0/registration/process_id").asString()).isEqualTo("id-expert-0-0");
      assertThat(state.at("/processes/2/registration/fingerprint/dtype").asString()).isEqualTo("f32");
      assertThat(state.at("/processes/2/registration/fingerprint/held_dtype").asString()).isEqualTo("q4_0");
      assertThat(state.at("/gateways/0/gateway").asString()).isEqualTo("g");
      assertThat(state.at("/rates/0/rows_per_second").asDouble()).isEqualTo(30);
      assertThat(send(router, "POST", "/v1/admin/processes/expert-0-1/drain", "", null).statusCode()).isEqualTo(200);
      TestRouter.await("drained", () -> !gateway.routesTo("expert-0-1"));
      assertThat(send(router, "POST", "/v1/admin/processes/expert-0-1/undrain", "", null).statusCode())
          .isEqualTo(200);
      TestRouter.await("undrained", () -> gateway.routesTo("expert-0-1"));
      JsonNode plan = json(send(router, "POST", "/v1/admin/plan", "{\"replicas\": 4}", null));
      assertThat(plan.at("/groups/0/planned_replicas").asInt()).isEqualTo(3);
      assertThat(plan.at("/busiest_before").asDouble()).isEqualTo(15);
      assertThat(plan.at("/busiest_after").asDouble()).isEqualTo(10);
      assertThat(send(router, "PUT", "/v1/admin/traffic",
          "{\"traffic\": [{\"version\": \"demo\", \"percent\": 10}]}", null).statusCode()).isEqualTo(200);
      TestRouter.await("traffic", () -> gateway.traffic().size() == 1);
      assertThat(json(send(router, "GET", "/health", "", null)).path("leader").asBoolean()).isTrue();
      assertThat(send(router, "GET", "/metrics", "", null).body())
          .contains("expertmesh_router_processes{state=\"ready\"} 3.0")
          .contains("expertmesh_router_group_rows_per_second{experts=\"0-7\",layer=\"1\",version=\"demo\"} 30.0")
          .contains("expertmesh_router_dtype_processes{dtype=\"f32\",experts=\"0-7\",version=\"demo\"} 2.0")
          .contains("expertmesh_router_dtype_processes{dtype=\"q4_0\",experts=\"8-15\",version=\"demo\"} 1.0")
          .contains("expertmesh_router_events_total{event=\"registered\"} 3.0");
    }
  }

  @ParameterizedTest
  @CsvSource({"POST,/v1/admin/processes/nobody/drain,'',404", "POST,/v1/admin/plan,{,400",
      "POST,/v1/admin/plan,{\"replica\": 1},400", "POST,/v1/admin/plan,{\"replicas\": -1},400",
      "POST,/v1/admin/moves,{},400", "PUT,/v1/admin/traffic,{\"traffic\":[{\"percent\":1}]},400",
      "GET,/nothing,'',404", "DELETE,/v1/admin/state,'',405"})
  void wrongRequestsAreExplained(String method, String path, String body, int status) throws Exception {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      HttpResponse<String> response = send(router, method, path, body, null);
      assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
      assertThat(json(response).at("/error/message").asString()).isNotBlank();
    }
  }

  @Test
  void whereThereAreKeysOperatorsNeedOneWithTheAdminRight() throws Exception {
    Map<String, Object> keys = Map.of("expertmesh.router.keys[0].name", "operator",
        "expertmesh.router.keys[0].hash", hash("secret"), "expertmesh.router.keys[0].admin", true,
        "expertmesh.router.keys[1].name", "prometheus", "expertmesh.router.keys[1].hash", hash("reader"));
    try (TestRouter router = TestRouter.settled(keys)) {
      assertThat(send(router, "GET", "/v1/admin/state", "", null).statusCode()).isEqualTo(401);
      assertThat(send(router, "GET", "/v1/admin/state", "", "wrong").statusCode()).isEqualTo(401);
      assertThat(send(router, "GET", "/v1/admin/state", "", "reader").statusCode()).isEqualTo(403);
      assertThat(send(router, "GET", "/v1/admin/state", "", "secret").statusCode()).isEqualTo(200);
      assertThat(send(router, "GET", "/metrics", "", null).statusCode()).isEqualTo(401);
      assertThat(send(router, "GET", "/metrics", "", "reader").statusCode()).isEqualTo(200);
      assertThat(send(router, "GET", "/health", "", null).statusCode()).isEqualTo(200);
      assertThat(router.server.counters().get(Event.ADMIN_REFUSED)).isEqualTo(4);
      assertThatThrownBy(router::state).isInstanceOf(StatusRuntimeException.class)
          .hasMessageContaining("UNAUTHENTICATED");
      assertThat(grpcWith(router, "secret").getState(GetStateRequest.getDefaultInstance()).hasVersion()).isTrue();
      assertThatThrownBy(() -> grpcWith(router, "reader").getState(GetStateRequest.getDefaultInstance()))
          .hasMessageContaining("PERMISSION_DENIED");
    }
  }

  private static AdminServiceGrpc.AdminServiceBlockingStub grpcWith(TestRouter router, String key) {
    Metadata headers = new Metadata();
    headers.put(AUTHORIZATION, "Bearer " + key);
    return AdminServiceGrpc.newBlockingStub(router.channel())
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  @Test
  void withoutKeysOnlyThisMachineMayAdminister() throws Exception {
    RouterConfiguration everywhere = TestRouter.configuration(Map.of("expertmesh.router.host", "0.0.0.0"));
    try (RouterServer server = RouterServer.start(everywhere, Plaintext.ANYWHERE)) {
      HttpResponse<String> refused = CLIENT.send(
          HttpRequest.newBuilder(URI.create(server.url() + "/v1/admin/state")).build(), BodyHandlers.ofString());
      assertThat(refused.statusCode()).isEqualTo(403);
      assertThat(refused.body()).contains("expertmesh.router.keys");
    }
    try (TestRouter router = TestRouter.settled(Map.of())) {
      HttpResponse<String> page = CLIENT.send(HttpRequest.newBuilder(URI.create(router.server.url()
          + "/v1/admin/state")).header("Origin", "http://evil.example").build(), BodyHandlers.ofString());
      assertThat(page.statusCode()).isEqualTo(403);
    }
  }

  @Test
  void aPortInUseIsExplained() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      int port = URI.create(router.server.url()).getPort();
      assertThatThrownBy(() -> RouterServer.start(TestRouter.configuration(Map.of("expertmesh.router.http-port", port)),
          Plaintext.LOOPBACK)).isInstanceOf(FailureException.class).hasMessageContaining("in use");
    }
  }
}
