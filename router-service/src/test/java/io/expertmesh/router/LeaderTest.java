package io.expertmesh.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.proto.v1.AdminServiceGrpc;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.RegistryServiceGrpc;
import io.expertmesh.proto.v1.UndrainRequest;
import io.expertmesh.router.metrics.RouterCounters.Event;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaderTest {
  @TempDir
  private Path folder = Path.of("");

  private static ServingStatus health(TestRouter router, String service) {
    return HealthGrpc.newBlockingStub(router.channel())
        .check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus();
  }

  @Test
  void oneLeadsAndAnotherTakesOverWithinASecond() throws Exception {
    Map<String, Object> settings = Map.of("expertmesh.router.leader-lock", folder.resolve("lock").toString());
    TestRouter first = new TestRouter(settings);
    TestRouter.await("the first leads", () -> first.server.counters().get(Event.LED) == 1);
    try (TestRouter second = new TestRouter(settings)) {
      FakeProcess process = first.process(Fakes.fixed("a", 9000, 0, 15));
      FakeGateway gateway = first.gateway("g");
      TestRouter.await("served by the first", () -> gateway.routesTo("a"));
      assertThat(health(first, RegistryServiceGrpc.SERVICE_NAME)).isEqualTo(ServingStatus.SERVING);
      assertThat(health(second, RegistryServiceGrpc.SERVICE_NAME)).isEqualTo(ServingStatus.NOT_SERVING);
      assertThat(health(second, AdminServiceGrpc.SERVICE_NAME)).isEqualTo(ServingStatus.NOT_SERVING);
      assertThat(health(second, "")).isEqualTo(ServingStatus.SERVING);
      Status refusal = second.process(Fakes.fixed("a", 9000, 0, 15)).awaitEnd();
      assertThat(refusal.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(refusal.getDescription()).contains("not the leader");
      assertThat(second.gateway("g").end().get().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThatThrownBy(second::state).isInstanceOf(StatusRuntimeException.class)
          .hasMessageContaining("UNAVAILABLE").hasMessageContaining("not the leader");
      first.close();
      assertThat(process.awaitEnd().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      long died = System.nanoTime();
      TestRouter.await("the second leads", () -> second.server.counters().get(Event.LED) == 1);
      assertThat(Duration.ofNanos(System.nanoTime() - died)).isLessThan(Duration.ofSeconds(1));
      FakeGateway again = second.gateway("g");
      second.process(Fakes.fixed("a", 9000, 0, 15));
      TestRouter.await("served by the second", () -> again.routesTo("a"));
      TestRouter.await("its health says so",
          () -> health(second, RegistryServiceGrpc.SERVICE_NAME) == ServingStatus.SERVING);
    } finally {
      first.close();
    }
  }

  @Test
  void drainedProcessesStayDrainedUnderTheNextLeaderUntilItIsToldOtherwise() {
    RegisterRequest drained = Fakes.fixed("a", 9000, 0, 15).toBuilder().setDrained(true).build();
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      FakeProcess process = router.process(drained);
      TestRouter.await("drained as before", () -> process.heard().getDrained() && !gateway.replicas().isEmpty());
      assertThat(gateway.routesTo("a")).isFalse();
      router.admin().undrain(UndrainRequest.newBuilder().setProcess("a").build());
      TestRouter.await("called again", () -> gateway.routesTo("a"));
      process.kill();
      FakeProcess back = router.process(drained);
      TestRouter.await("an answer", () -> back.answers() > 0);
      assertThat(back.heard().getDrained()).as("it has not heard of the change").isFalse();
    }
  }
}
