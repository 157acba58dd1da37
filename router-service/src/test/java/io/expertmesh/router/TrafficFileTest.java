package io.expertmesh.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.proto.v1.SetTrafficRequest;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.proto.v1.TrafficShare;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shares of traffic that a file declares. */
class TrafficFileTest {
  private static final String FIVE = "{\"traffic\": [{\"version\": \"canary\", \"percent\": 5, \"keys\": [\"testers\"]}]}";
  private static final TrafficShare SHARE = TrafficShare.newBuilder().setVersion("canary").setPercent(5)
      .addKeys("testers").build();

  @TempDir
  private Path folder = Path.of("");

  private Path file() {
    return folder.resolve("traffic.json");
  }

  private TestRouter router() {
    return TestRouter.settled(Map.of("expertmesh.router.traffic-file", file().toString()));
  }

  private static void look(TestRouter router) {
    router.loop.advance(Duration.ofSeconds(1));
  }

  private static String metrics(TestRouter router) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(HttpRequest.newBuilder(URI.create(router.server.url() + "/metrics")).build(),
          BodyHandlers.ofString()).body();
    }
  }

  @Test
  void gatewaysFollowTheFileWhileItChanges() throws Exception {
    Files.writeString(file(), FIVE);
    try (TestRouter router = router()) {
      FakeGateway gateway = router.gateway("g");
      TestRouter.await("the shares", () -> gateway.traffic().equals(List.of(SHARE)));
      Files.writeString(file(), FIVE.replace(": 5", ": 20"));
      look(router);
      TestRouter.await("other shares",
          () -> gateway.traffic().equals(List.of(SHARE.toBuilder().setPercent(20).build())));
      Files.writeString(file(), "{}");
      look(router);
      TestRouter.await("rolled back", () -> gateway.traffic().isEmpty());
      assertThat(metrics(router)).contains("expertmesh_router_traffic_file_good 1.0");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "{", "{\"traffic\": [{\"version\": \"canary\", \"percent\": 101}]}", "{\"canary\": 5}",
          "{\"traffic\": [{\"version\": \"a b\", \"percent\": 1}]}", "gone"})
  void whatCannotBeUsedChangesNothing(String content) throws Exception {
    Files.writeString(file(), FIVE);
    try (TestRouter router = router()) {
      FakeGateway gateway = router.gateway("g");
      TestRouter.await("the shares", () -> gateway.traffic().equals(List.of(SHARE)));
      if (content.equals("gone")) {
        Files.delete(file());
      } else {
        Files.writeString(file(), content);
      }
      look(router);
      String metrics = metrics(router);
      assertThat(metrics).contains("expertmesh_router_traffic_file_good 0.0");
      assertThat(gateway.traffic()).containsExactly(SHARE);
      Files.writeString(file(), FIVE.replace(": 5", ": 6"));
      look(router);
      TestRouter.await("good again", () -> !gateway.traffic().equals(List.of(SHARE)));
      assertThat(metrics(router)).contains("expertmesh_router_traffic_file_good 1.0");
    }
  }

  @Test
  void theSameContentAsBeforeIsGoodAgain() throws Exception {
    Files.writeString(file(), FIVE);
    try (TestRouter router = router()) {
      Files.writeString(file(), "{");
      look(router);
      assertThat(metrics(router)).contains("expertmesh_router_traffic_file_good 0.0");
      Files.writeString(file(), FIVE);
      look(router);
      assertThat(metrics(router)).contains("expertmesh_router_traffic_file_good 1.0");
    }
  }

  @Test
  void aFileThatIsWrongAtTheStartLeavesGatewaysTheirShares() throws IOException {
    Files.writeString(file(), "{");
    try (TestRouter router = router()) {
      FakeGateway gateway = new FakeGateway(router.channel(), WatchRoutingTableRequest.newBuilder().setGateway("g")
          .setVersion(TableVersion.newBuilder().setEpoch(1).setNumber(1)).addTraffic(SHARE).build(), true, true);
      TestRouter.await("its shares", () -> gateway.traffic().equals(List.of(SHARE)));
      Files.writeString(file(), "{}");
      look(router);
      TestRouter.await("the file's", () -> gateway.traffic().isEmpty());
    }
  }

  @Test
  void whatAFileDeclaresIsNotChangedByCalls() throws IOException {
    Files.writeString(file(), FIVE);
    try (TestRouter router = router()) {
      assertThatThrownBy(() -> router.admin().setTraffic(SetTrafficRequest.getDefaultInstance()))
          .hasMessageContaining("INVALID_ARGUMENT").hasMessageContaining("traffic.json");
      assertThat(router.state().getTrafficList()).containsExactly(SHARE);
    }
  }
}
