package io.expertmesh.router.leader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class LeaseLeadershipTest {
  @TempDir
  private Path folder = Path.of("");
  @SuppressWarnings("NullAway.Init")
  private LeaseServer server;

  @BeforeEach
  void start() throws IOException {
    server = new LeaseServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        fail("This did not come true: " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  private Voter voter(String name) throws IOException {
    return new Voter(server.api(folder, name), name, Voter.QUICK);
  }

  private JsonNode spec() {
    return Objects.requireNonNull(server.lease("router")).path("spec");
  }

  @Test
  void oneLeadsAndAnotherAtOnceWhenItStops() throws IOException {
    Voter a = voter("a");
    await("a leads", () -> a.leads);
    try (Voter b = voter("b")) {
      await("b knows", () -> new RouterIdentity("a", "10.0.0.1").equals(b.leadership.leader()));
      String renewed = spec().path("renewTime").asString();
      await("renewed", () -> !spec().path("renewTime").asString().equals(renewed));
      assertThat(b.leads).isFalse();
      assertThat(spec().path("leaseTransitions").asInt()).isEqualTo(1);
      long stopped = System.nanoTime();
      a.close();
      assertThat(spec().path("holderIdentity").asString()).isIn("", "b_10.0.0.1");
      await("b leads", () -> b.leads);
      assertThat(Duration.ofNanos(b.changedNanos - stopped)).as("less than the lease").isLessThan(
          Duration.ofMillis(900));
      assertThat(spec().path("leaseTransitions").asInt()).isGreaterThan(1);
    }
  }

  @Test
  void aLeaderThatCannotRenewStopsBeforeAnotherBegins() throws IOException {
    try (Voter a = voter("a")) {
      await("a leads", () -> a.leads);
      try (Voter b = voter("b")) {
        await("b knows", () -> b.leadership.leader() != null);
        server.cutOff("a", true);
        await("b leads", () -> b.leads);
        assertThat(a.leads).isFalse();
        assertThat(a.changedNanos).isLessThan(b.changedNanos);
        server.cutOff("a", false);
        await("a knows", () -> new RouterIdentity("b", "10.0.0.1").equals(a.leadership.leader()));
        assertThat(a.leads).isFalse();
      }
      await("a leads again", () -> a.leads);
    }
  }

  @Test
  void aShortBreakOfTheApiServerChangesNothing() throws IOException {
    try (Voter a = voter("a"); Voter b = voter("b")) {
      await("one leads", () -> a.leads || b.leads);
      Voter leader = a.leads ? a : b;
      long since = leader.changedNanos;
      server.cutOff("a", true);
      server.cutOff("b", true);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
      server.cutOff("a", false);
      server.cutOff("b", false);
      String renewed = spec().path("renewTime").asString();
      await("renewed", () -> !spec().path("renewTime").asString().equals(renewed));
      assertThat(leader.leads).isTrue();
      assertThat(leader.changedNanos).isEqualTo(since);
    }
  }

  @Test
  void anotherNodesClockDecidesNothing() throws IOException {
    ObjectNode lease = JsonMapper.shared().createObjectNode();
    lease.putObject("spec").put("holderIdentity", "gone_10.0.0.9").put("leaseDurationSeconds", 1)
        .put("renewTime", Instant.now().plusSeconds(3600).toString());
    server.put("router", lease);
    long seen = System.nanoTime();
    try (Voter a = voter("a")) {
      await("a leads", () -> a.leads);
      assertThat(Duration.ofNanos(a.changedNanos - seen)).as("the lease's time was waited for, by this clock")
          .isGreaterThanOrEqualTo(Duration.ofSeconds(1));
    }
  }

  @Test
  void whatIsNoPodIsRefused() {
    assertThatThrownBy(() -> KubernetesApi.ofThisPod(Map.of())).isInstanceOf(FailureException.class)
        .hasMessageContaining("KUBERNETES_SERVICE_HOST").hasMessageContaining("automountServiceAccountToken");
    assertThatThrownBy(() -> KubernetesApi.of(URI.create("https://127.0.0.1:1"), folder))
        .isInstanceOf(FailureException.class).hasMessageContaining(folder.toString())
        .hasMessageContaining("no such file");
  }
}
