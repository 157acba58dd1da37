package io.expertmesh.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.proto.externalscaler.ExternalScalerGrpc;
import io.expertmesh.proto.externalscaler.ExternalScalerGrpc.ExternalScalerBlockingStub;
import io.expertmesh.proto.externalscaler.GetMetricsRequest;
import io.expertmesh.proto.externalscaler.IsActiveResponse;
import io.expertmesh.proto.externalscaler.MetricSpec;
import io.expertmesh.proto.externalscaler.ScaledObjectRef;
import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.GatewayLoad;
import io.expertmesh.proto.v1.LoadReport;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.router.metrics.RouterCounters.Event;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.Plaintext;
import io.expertmesh.transport.Role;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ScalerTest {
  private final TestRouter router = new TestRouter(Map.of("expertmesh.router.settle", "0s",
      "expertmesh.router.scaler-port", 0, "expertmesh.router.lease", "1h"));
  private final ManagedChannel channel = Channels.open(Objects.requireNonNull(router.server.scalerEndpoint()),
      Role.ROUTER, Plaintext.LOOPBACK, Runnable::run);
  private final ExternalScalerBlockingStub keda = ExternalScalerGrpc.newBlockingStub(channel)
      .withDeadlineAfter(30, TimeUnit.SECONDS);

  @AfterEach
  void stop() {
    channel.shutdownNow();
    router.close();
  }

  private static ScaledObjectRef group(String... metadata) {
    Map<String, String> all = new HashMap<>(Map.of("experts", "0-7", "scaleToZero", "true"));
    for (int i = 0; i < metadata.length; i += 2) {
      all.put(metadata[i], metadata[i + 1]);
    }
    return ScaledObjectRef.newBuilder().setName("group-0").setNamespace("llm").putAllScalerMetadata(all).build();
  }

  private double metric(String name) {
    return metric(name, group());
  }

  private double metric(String name, ScaledObjectRef scaled) {
    return keda.getMetrics(GetMetricsRequest.newBuilder().setScaledObjectRef(scaled).setMetricName(name).build())
        .getMetricValues(0).getMetricValueFloat();
  }

  /** In the last second the process computed so many rows in the given share of its time. */
  private static void report(FakeProcess process, long rows, double share, long delayMicros) {
    int before = process.answers();
    process.say(process.says().toBuilder().setLoad(LoadReport.newBuilder().setWindowMicros(1_000_000)
        .setBusyMicros((long) (share * 1e6)).setQueueDelayMicros(delayMicros)
        .addExperts(ExpertLoad.newBuilder().setLayer(1).setExpertId(3).setRows(rows))).build());
    TestRouter.await("heard", () -> process.answers() > before);
  }

  private FakeProcess ready(String name, int port) {
    FakeProcess process = router.process(Fakes.fixed(name, port, 0, 7));
    TestRouter.await("registered", () -> process.answers() > 0);
    router.loop.settle();
    return process;
  }

  @Test
  void loadIsTheShareOfItsTimeThatAGroupComputes() {
    List<MetricSpec> specs = keda.getMetricSpec(group("targetUtilization", "40")).getMetricSpecsList();
    assertThat(specs).extracting(MetricSpec::getMetricName).containsExactly("load", "queue-delay", "floor");
    assertThat(specs).extracting(MetricSpec::getTargetSizeFloat).containsExactly(40.0, 1.0, 1.0);
    FakeProcess a = ready("a", 9000);
    FakeProcess b = ready("b", 9001);
    for (int i = 0; i < 20; i++) {
      report(a, 90, 0.9, 0);
      report(b, 30, 0.3, 0);
      router.loop.advance(Duration.ofSeconds(1));
    }
    assertThat(metric("load")).isBetween(108.0, 132.0);
    String metrics = metrics();
    assertThat(metrics).contains("expertmesh_router_group_busy_replicas{experts=\"0-7\"} 1.",
        "expertmesh_router_group_capacity_rows_per_second{experts=\"0-7\"} 100.0");
    a.kill();
    router.loop.advance(Duration.ofSeconds(1));
    assertThat(metric("load")).as("what a replica did that went just now still counts").isGreaterThan(90);
    router.loop.advance(Duration.ofSeconds(20));
    assertThat(metric("load")).isZero();
  }

  private String metrics() {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(HttpRequest.newBuilder(URI.create(router.server.url() + "/metrics")).build(),
          BodyHandlers.ofString()).body();
    } catch (IOException | InterruptedException failed) {
      throw new AssertionError(failed);
    }
  }

  @Test
  void batchesThatWaitTooLongAskForReplicas() {
    FakeProcess a = ready("a", 9000);
    report(a, 10, 0.1, 250_000);
    assertThat(metric("queue-delay")).isEqualTo(0.5);
    report(a, 10, 0.1, 5_000_000);
    assertThat(metric("queue-delay")).as("at most twice what there is").isEqualTo(2);
    router.loop.advance(Duration.ofSeconds(16));
    assertThat(metric("queue-delay")).isZero();
  }

  @Test
  void noReplicaGoesWhileAnotherStarts() {
    ready("a", 9000);
    ready("b", 9001);
    assertThat(metric("floor")).isEqualTo(2);
    router.loop.advance(Duration.ofSeconds(21));
    assertThat(metric("floor")).as("nothing starts any more").isZero();
    FakeProcess next = router.process(Fakes.fixed("c", 9002, 0, 7).toBuilder()
        .setState(ProcessState.PROCESS_STATE_WARMING).build());
    TestRouter.await("registered", () -> next.answers() > 0);
    assertThat(metric("floor")).isEqualTo(2);
  }

  @Test
  void aGroupSleepsAndIsWokenByARequest() {
    FakeGateway gateway = router.gateway("g");
    Iterator<IsActiveResponse> active = keda.streamIsActive(group());
    assertThat(active.next().getResult()).isFalse();
    TestRouter.await("the gateway knows", () -> gateway.sleeping().equals(Fakes.range(0, 7)));
    gateway.want(List.of(3));
    TestRouter.await("the router knows",
        () -> metrics().contains("expertmesh_router_group_wanted{experts=\"0-7\"} 1.0"));
    router.loop.advance(Duration.ofSeconds(1));
    assertThat(active.next().getResult()).isTrue();
    assertThat(keda.isActive(group("experts", "8-15")).getResult()).as("another group").isFalse();
    FakeProcess woken = ready("a", 9000);
    TestRouter.await("awake", () -> !gateway.sleeping().contains(3) && gateway.routesTo("a"));
    gateway.want(List.of());
    report(woken, 10, 0.1, 0);
    assertThat(keda.isActive(group()).getResult()).as("it works").isTrue();
    router.loop.advance(Duration.ofSeconds(20));
    assertThat(active.next().getResult()).isFalse();
    woken.say(woken.says().toBuilder().clearLoad().setState(ProcessState.PROCESS_STATE_DRAINING).build());
    TestRouter.await("asleep again", () -> gateway.sleeping().containsAll(Fakes.range(0, 7)));
  }

  @Test
  void nobodySleepsUnlessSomebodyWouldWakeIt() {
    FakeGateway gateway = router.gateway("g");
    assertThat(keda.isActive(group("scaleToZero", "false")).getResult()).isFalse();
    router.loop.settle();
    assertThat(gateway.sleeping()).isEmpty();
    assertThat(keda.isActive(group()).getResult()).isFalse();
    TestRouter.await("asleep", () -> gateway.sleeping().equals(Fakes.range(0, 7)));
    router.loop.advance(Duration.ofSeconds(61));
    TestRouter.await("KEDA is gone", () -> gateway.sleeping().isEmpty());
  }

  @Test
  void groupsOfTheSameExpertsAreToldApartByTheirNames() {
    FakeProcess main = ready("expert-0-a", 9000);
    ready("expert-0-b", 9001);
    FakeProcess canary = ready("canary-0-a", 9002);
    router.loop.advance(Duration.ofSeconds(21));
    assertThat(keda.isActive(group("names", "canary-")).getResult()).isFalse();
    assertThat(keda.isActive(group("names", "expert-")).getResult()).isFalse();
    for (int i = 0; i < 20; i++) {
      report(main, 90, 0.9, 0);
      report(canary, 10, 0.1, 0);
      router.loop.advance(Duration.ofSeconds(1));
    }
    assertThat(metric("load", group("names", "expert-"))).isBetween(81.0, 99.0);
    assertThat(metric("load", group("names", "canary-"))).isBetween(9.0, 11.0);
    assertThat(metric("load")).as("all of them").isBetween(90.0, 110.0);
    ready("canary-0-b", 9003);
    assertThat(metric("floor", group("names", "canary-"))).isEqualTo(2);
    assertThat(metric("floor", group("names", "expert-"))).as("nothing of it starts").isZero();
  }

  @Test
  void oneOfTwoGroupsOfTheSameExpertsMaySleep() {
    FakeGateway gateway = router.gateway("g");
    ready("expert-0-a", 9000);
    assertThat(keda.isActive(group("names", "expert-")).getResult()).isFalse();
    router.loop.settle();
    assertThat(gateway.sleeping()).isEmpty();
    assertThat(keda.isActive(group("names", "canary-")).getResult()).isFalse();
    TestRouter.await("the canary sleeps", () -> gateway.sleeping().equals(Fakes.range(0, 7)));
    gateway.want(List.of(3));
    TestRouter.await("wanted", () -> keda.isActive(group("names", "canary-")).getResult());
  }

  private static final ScaledObjectRef GATEWAYS = ScaledObjectRef.newBuilder().setName("gateway").setNamespace("llm")
      .putScalerMetadata("gateways", "true").putScalerMetadata("targetKvPercent", "70").build();

  private static GatewayLoad load(int waiting, int running, int pages) {
    return GatewayLoad.newBuilder().setWaiting(waiting).setRunning(running).setRunningLimit(16).setKvPagesUsed(pages)
        .setKvPagesTotal(100).build();
  }

  @Test
  void gatewaysAreScaledByTheirQueuesAndPages() {
    assertThat(keda.getMetricSpec(GATEWAYS).getMetricSpecsList()).extracting(MetricSpec::getMetricName)
        .containsExactly("queue", "running", "kv");
    assertThat(keda.getMetricSpec(GATEWAYS).getMetricSpecsList()).extracting(MetricSpec::getTargetSizeFloat)
        .containsExactly(4.0, 80.0, 70.0);
    assertThatThrownBy(() -> metric("queue", GATEWAYS)).as("better no answer than a wrong one")
        .hasMessageContaining("UNAVAILABLE").hasMessageContaining("No gateway");
    FakeGateway a = router.gateway("a");
    FakeGateway b = router.gateway("b");
    a.report(load(10, 16, 90));
    b.report(load(2, 8, 30));
    TestRouter.await("heard", () -> metrics().contains("expertmesh_router_gateways_waiting_requests 12.0"));
    assertThat(metric("queue", GATEWAYS)).isEqualTo(12);
    assertThat(metric("running", GATEWAYS)).isEqualTo(150);
    assertThat(metric("kv", GATEWAYS)).isEqualTo(120);
    assertThat(keda.isActive(GATEWAYS).getResult()).isTrue();
    assertThat(metrics()).contains("expertmesh_router_gateways_busy 1.5", "expertmesh_router_gateways_kv_used 1.2");
    router.loop.advance(Duration.ofSeconds(10));
    b.report(load(0, 0, 0));
    TestRouter.await("a mean of the last seconds", () -> metric("queue", GATEWAYS) == 11);
    router.loop.advance(Duration.ofSeconds(10));
    assertThat(metric("queue", GATEWAYS)).as("of one that is silent the last report counts").isEqualTo(10);
    a.leave();
    TestRouter.await("one that has gone does not count", () -> metric("queue", GATEWAYS) == 0);
  }

  @Test
  void whatIsWrongIsNamed() {
    assertThatThrownBy(() -> keda.isActive(GATEWAYS.toBuilder().putScalerMetadata("targetQueue", "many").build()))
        .hasMessageContaining("targetQueue").hasMessageContaining("'many'");
    assertThatThrownBy(() -> keda.isActive(ScaledObjectRef.getDefaultInstance()))
        .isInstanceOf(StatusRuntimeException.class).hasMessageContaining("INVALID_ARGUMENT")
        .hasMessageContaining("'experts'");
    assertThatThrownBy(() -> keda.getMetricSpec(group("experts", "0-x"))).hasMessageContaining("'0-x'");
    assertThatThrownBy(() -> keda.streamIsActive(group("targetUtilization", "0")).next())
        .hasMessageContaining("targetUtilization").hasMessageContaining("1 to 100");
    assertThatThrownBy(() -> metric("tokens")).hasMessageContaining("NOT_FOUND").hasMessageContaining("tokens");
  }

  @Test
  void aRouterThatHasJustBegunToLeadDoesNotGuess() {
    try (TestRouter fresh = new TestRouter(Map.of("expertmesh.router.settle", "5s", "expertmesh.router.scaler-port",
        0))) {
      ManagedChannel to = Channels.open(Objects.requireNonNull(fresh.server.scalerEndpoint()), Role.ROUTER,
          Plaintext.LOOPBACK, Runnable::run);
      try {
        ExternalScalerBlockingStub asked = ExternalScalerGrpc.newBlockingStub(to);
        assertThat(fresh.server.counters().get(Event.LED)).isEqualTo(1);
        assertThatThrownBy(() -> asked.isActive(group())).hasMessageContaining("UNAVAILABLE");
        fresh.loop.advance(Duration.ofSeconds(6));
        assertThat(asked.isActive(group()).getResult()).isFalse();
      } finally {
        to.shutdownNow();
      }
    }
  }
}
