package io.expertmesh.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.SetTrafficRequest;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.proto.v1.TrafficShare;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RoutingTableTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void deltasAddUpToTheFullTable(long seed) {
    Random random = new Random(seed);
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway follower = router.gateway("follower");
      Map<Integer, FakeProcess> alive = new HashMap<>();
      for (int event = 0; event < 80; event++) {
        int port = 9000 + random.nextInt(6);
        FakeProcess process = alive.get(port);
        if (process == null) {
          alive.put(port, router.process(Fakes.fixed("p" + port + "-" + event, port, 0, random.nextInt(16))));
        } else if (random.nextInt(3) == 0) {
          process.kill();
          alive.remove(port);
        } else {
          RegisterRequest.Builder other = process.says().toBuilder().clearExpertIds();
          process.say(other.addAllExpertIds(Fakes.range(random.nextInt(4), 4 + random.nextInt(12)))
              .setState(random.nextBoolean() ? ProcessState.PROCESS_STATE_READY : ProcessState.PROCESS_STATE_DRAINING)
              .build());
        }
        if (event % 10 == 9) {
          FakeGateway fresh = router.gateway("fresh" + event);
          TestRouter.await("the same table", () -> fresh.version() != null
              && Objects.equals(fresh.version(), follower.version())
              && fresh.replicas().equals(follower.replicas()));
          fresh.leave();
        }
      }
      assertThat(follower.fullTables()).isEqualTo(1);
      assertThat(follower.deltas()).isGreaterThan(5);
    }
  }

  @Test
  void aGatewayThatDoesNotReadGetsTheNewestTableWhenItReadsAgain() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway brisk = router.gateway("brisk");
      ManagedChannel apart = router.channel();
      FakeGateway stuck = new FakeGateway(apart, WatchRoutingTableRequest.newBuilder().setGateway("stuck").build(),
          false, false);
      TestRouter.await("both follow", () -> router.state().getGatewaysCount() == 2);
      FakeProcess process = router.process(Fakes.fixed("a", 9000, 0, 15).toBuilder()
          .setFingerprint(Fakes.fingerprint("demo", 1024)).build());
      TestRouter.await("in the table", () -> brisk.routesTo("a"));
      // Each change is more than 20 kB; a connection takes about 1 MB before it counts as slow.
      for (int i = 0; i < 400; i++) {
        process.say(process.says().toBuilder().setName("a" + i).build());
      }
      TestRouter.await("all changes", () -> brisk.replicas().values().stream().anyMatch(
          replica -> replica.getName().equals("a399")));
      int messages = 0;
      while (!Objects.equals(stuck.version(), brisk.version())) {
        int before = stuck.fullTables() + stuck.deltas();
        stuck.read();
        messages++;
        TestRouter.await("a message", () -> stuck.fullTables() + stuck.deltas() > before);
      }
      assertThat(messages).isLessThan(200);
      assertThat(stuck.fullTables()).isGreaterThanOrEqualTo(2);
      assertThat(stuck.replicas()).isEqualTo(brisk.replicas());
    }
  }

  @Test
  void aNewLeaderDoesNotShowGatewaysAnIncompleteTable() {
    ManualLoop loop = new ManualLoop();
    try (TestRouter router = new TestRouter(Map.of(), loop)) {
      TrafficShare half = TrafficShare.newBuilder().setVersion("demo-2").setPercent(50).build();
      TableVersion old = TableVersion.newBuilder().setEpoch(loop.millis() + 5_000).setNumber(7).build();
      FakeGateway serving = new FakeGateway(router.channel(), WatchRoutingTableRequest.newBuilder()
          .setGateway("serving").setVersion(old).addTraffic(half).build(), true, true);
      TestRouter.await("it follows", () -> router.state().getGatewaysCount() == 1);
      FakeGateway empty = router.gateway("empty");
      router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("better than nothing", () -> empty.routesTo("a"));
      assertThat(serving.version()).isNull();
      FakeProcess b = router.process(Fakes.fixed("b", 9001, 8, 15));
      TestRouter.await("b", () -> empty.routesTo("b"));
      loop.advance(Duration.ofMillis(2500));
      assertThat(serving.version()).isNull();
      int answers = b.answers();
      b.renew();
      TestRouter.await("renewed", () -> b.answers() > answers);
      loop.advance(Duration.ofMillis(600));
      TestRouter.await("the whole table", () -> serving.fullTables() == 1);
      assertThat(serving.routesTo("b")).isTrue();
      TableVersion version = Objects.requireNonNull(serving.version());
      assertThat(version.getEpoch()).as("later than what the gateway had").isEqualTo(old.getEpoch() + 1);
      assertThat(serving.traffic()).containsExactly(half);
      TestRouter.await("acknowledged", () -> router.state().getGatewaysList().stream()
          .allMatch(gateway -> gateway.getAcknowledged().equals(empty.version())));
    }
  }

  @Test
  void aNewLeaderThatNobodyReachesYetTakesNothingAwayFromGateways() {
    ManualLoop loop = new ManualLoop();
    try (TestRouter router = new TestRouter(Map.of(), loop)) {
      TableVersion old = TableVersion.newBuilder().setEpoch(loop.millis() - 5_000).setNumber(7).build();
      FakeGateway serving = new FakeGateway(router.channel(), WatchRoutingTableRequest.newBuilder()
          .setGateway("serving").setVersion(old).build(), true, true);
      TestRouter.await("it follows", () -> router.state().getGatewaysCount() == 1);
      loop.advance(Duration.ofMinutes(1));
      FakeProcess late = router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("registered", () -> router.state().getProcessesCount() == 1);
      assertThat(serving.version()).as("others may be late too").isNull();
      loop.advance(Duration.ofMillis(2500));
      int answers = late.answers();
      late.renew();
      TestRouter.await("renewed", () -> late.answers() > answers);
      assertThat(serving.version()).isNull();
      loop.advance(Duration.ofMillis(600));
      TestRouter.await("the table", () -> serving.routesTo("a"));
    }
  }

  @Test
  void sharesOfTrafficGoToAllGateways() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      List<TrafficShare> shares = List.of(
          TrafficShare.newBuilder().setVersion("allenai/demo@2").setPercent(12.5).addKeys("testers").build());
      TableVersion version = router.admin().setTraffic(SetTrafficRequest.newBuilder().addAllTraffic(shares).build())
          .getVersion();
      TestRouter.await("shares", () -> gateway.traffic().equals(shares));
      assertThat(gateway.version()).isEqualTo(version);
      router.admin().setTraffic(SetTrafficRequest.getDefaultInstance());
      TestRouter.await("rolled back", () -> gateway.traffic().isEmpty());
    }
  }

  @ParameterizedTest
  @CsvSource({"a,101,b,0,percent", "a,-1,b,0,percent", "a,NaN,b,0,percent", "a,60,b,60,sum", "a,1,a,1,two shares",
      "a b,1,b,1,no version"})
  void wrongSharesAreRefused(String version, double percent, String other, double otherPercent, String message) {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      assertThatThrownBy(() -> router.admin().setTraffic(SetTrafficRequest.newBuilder()
          .addTraffic(TrafficShare.newBuilder().setVersion(version).setPercent(percent))
          .addTraffic(TrafficShare.newBuilder().setVersion(other).setPercent(otherPercent))
          .build())).isInstanceOf(StatusRuntimeException.class).hasMessageContaining("INVALID_ARGUMENT")
          .hasMessageContaining(message);
    }
  }
}
