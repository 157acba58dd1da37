package io.expertmesh.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.proto.v1.AdminServiceGrpc;
import io.expertmesh.proto.v1.DrainRequest;
import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.ExpertMove;
import io.expertmesh.proto.v1.LoadReport;
import io.expertmesh.proto.v1.MoveExpertsRequest;
import io.expertmesh.proto.v1.MoveExpertsResponse;
import io.expertmesh.proto.v1.PlanRequest;
import io.expertmesh.proto.v1.PlanResponse;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Experts that the router places, with processes and gateways that do one thing at a time. */
class LiveMoveTest {
  private static final Map<String, Object> TWO_SHARDS = Map.of("expertmesh.router.auto-shards", 2);

  private static List<Integer> assigned(FakeProcess process) {
    return process.heard().getAssignment().getExpertIdsList();
  }

  /** Waits until the process shall hold the experts, and lets it. */
  private static void fulfil(FakeProcess process, List<Integer> experts) {
    TestRouter.await("assigned " + experts, () -> assigned(process).equals(experts));
    process.fulfil();
  }

  private static MoveExpertsRequest move(int expert, String from, String to) {
    return MoveExpertsRequest.newBuilder()
        .addMoves(ExpertMove.newBuilder().setExpertId(expert).setFrom(from).setTo(to)).build();
  }

  private record TwoShards(TestRouter router, FakeProcess a, FakeProcess b) {
    static TwoShards ready() {
      TestRouter router = TestRouter.settled(TWO_SHARDS);
      FakeProcess a = router.process(Fakes.auto("a", 9000));
      TestRouter.await("a answered", () -> a.answers() > 0);
      assertThat(a.heard().hasAssignment()).as("only one of two shards is there").isFalse();
      FakeProcess b = router.process(Fakes.auto("b", 9001));
      fulfil(a, Fakes.range(0, 7));
      fulfil(b, Fakes.range(8, 15));
      return new TwoShards(router, a, b);
    }
  }

  @Test
  void anExpertMovesInFourStepsThatNoRequestNotices() throws Exception {
    TwoShards shards = TwoShards.ready();
    try (TestRouter router = shards.router()) {
      FakeGateway gateway = new FakeGateway(router.channel(),
          WatchRoutingTableRequest.newBuilder().setGateway("g").build(), false, true);
      TestRouter.await("placed", () -> gateway.experts("a").equals(Fakes.range(0, 7))
          && gateway.experts("b").equals(Fakes.range(8, 15)));
      gateway.acknowledge();
      Future<MoveExpertsResponse> move = AdminServiceGrpc.newFutureStub(router.channel())
          .moveExperts(move(7, "a", "b"));
      TestRouter.await("1: assigned to b in addition", () -> assigned(shards.b()).equals(Fakes.range(7, 15)));
      assertThat(assigned(shards.a())).isEqualTo(Fakes.range(0, 7));
      assertThat(gateway.experts("a")).as("called where it is").contains(7);
      assertThat(move.isDone()).isFalse();
      shards.b().fulfil();
      TestRouter.await("2: called at b alone", () -> gateway.experts("b").contains(7)
          && !gateway.experts("a").contains(7));
      assertThat(move.get().getVersion()).isEqualTo(gateway.version());
      int answers = shards.a().answers();
      shards.a().renew();
      TestRouter.await("a is answered", () -> shards.a().answers() > answers);
      assertThat(assigned(shards.a())).as("3: still there until the gateway knows").isEqualTo(Fakes.range(0, 7));
      gateway.acknowledge();
      TestRouter.await("4: taken from a", () -> assigned(shards.a()).equals(Fakes.range(0, 6)));
    }
  }

  @Test
  void aGatewayThatNeverAcknowledgesDelaysTheReleaseByFiveSeconds() {
    TwoShards shards = TwoShards.ready();
    try (TestRouter router = shards.router()) {
      FakeGateway mute = new FakeGateway(router.channel(),
          WatchRoutingTableRequest.newBuilder().setGateway("g").build(), false, true);
      TestRouter.await("placed", () -> mute.experts("a").contains(7));
      var _ = AdminServiceGrpc.newFutureStub(router.channel()).moveExperts(move(7, "a", "b"));
      fulfil(shards.b(), Fakes.range(7, 15));
      TestRouter.await("called at b", () -> mute.experts("b").contains(7));
      for (int second = 0; second < 4; second++) {
        renewBoth(shards, Duration.ofSeconds(1));
      }
      assertThat(assigned(shards.a())).isEqualTo(Fakes.range(0, 7));
      renewBoth(shards, Duration.ofMillis(1200));
      TestRouter.await("taken from a", () -> assigned(shards.a()).equals(Fakes.range(0, 6)));
    }
  }

  private static void renewBoth(TwoShards shards, Duration then) {
    int a = shards.a().answers();
    int b = shards.b().answers();
    shards.a().renew();
    shards.b().renew();
    TestRouter.await("renewed", () -> shards.a().answers() > a && shards.b().answers() > b);
    shards.router().loop.advance(then);
  }

  @Test
  void aMoveToAProcessThatDiesIsTakenBack() {
    TwoShards shards = TwoShards.ready();
    try (TestRouter router = shards.router()) {
      FakeGateway gateway = router.gateway("g");
      TestRouter.await("placed", () -> gateway.experts("a").contains(7));
      Future<MoveExpertsResponse> move = AdminServiceGrpc.newFutureStub(router.channel())
          .moveExperts(move(7, "a", "b"));
      TestRouter.await("assigned to b", () -> assigned(shards.b()).contains(7));
      shards.b().kill();
      assertThatThrownBy(move::get).hasMessageContaining("UNAVAILABLE").hasMessageContaining("is gone");
      assertThat(gateway.experts("a")).isEqualTo(Fakes.range(0, 7));
    }
  }

  @Test
  void aLostProcessIsWaitedForAndThenReplaced() {
    TwoShards shards = TwoShards.ready();
    try (TestRouter router = shards.router()) {
      shards.b().kill();
      TestRouter.await("b is gone", () -> router.state().getProcessesCount() == 1);
      FakeProcess restarted = router.process(Fakes.auto("b", 9002).toBuilder().setProcessId("id-b2").build());
      fulfil(restarted, Fakes.range(8, 15));
      restarted.kill();
      TestRouter.await("gone again", () -> router.state().getProcessesCount() == 1);
      renewAndAdvance(router, shards.a(), 4);
      assertThat(assigned(shards.a())).isEqualTo(Fakes.range(0, 7));
      renewAndAdvance(router, shards.a(), 2);
      TestRouter.await("a takes over", () -> assigned(shards.a()).equals(Fakes.range(0, 15)));
    }
  }

  private static void renewAndAdvance(TestRouter router, FakeProcess process, int seconds) {
    for (int second = 0; second < seconds; second++) {
      int answers = process.answers();
      process.renew();
      TestRouter.await("renewed", () -> process.answers() > answers);
      router.loop.advance(Duration.ofSeconds(1));
    }
  }

  @Test
  void aDrainedProcessIsCalledUntilOthersHaveLoadedItsExperts() {
    TwoShards shards = TwoShards.ready();
    try (TestRouter router = shards.router()) {
      FakeGateway gateway = router.gateway("g");
      TestRouter.await("placed", () -> gateway.experts("b").size() == 8 && gateway.experts("a").size() == 8);
      router.admin().drain(DrainRequest.newBuilder().setProcess("b").build());
      TestRouter.await("a shall hold all", () -> assigned(shards.a()).equals(Fakes.range(0, 15)));
      assertThat(gateway.routesTo("b")).isTrue();
      shards.a().fulfil();
      TestRouter.await("b is free", () -> !gateway.routesTo("b") && gateway.experts("a").equals(Fakes.range(0, 15))
          && assigned(shards.b()).isEmpty());
    }
  }

  @Test
  void aNewLeaderLeavesExpertsWhereTheyAre() {
    ManualLoop loop = new ManualLoop();
    try (TestRouter router = new TestRouter(TWO_SHARDS, loop)) {
      FakeProcess a = router.process(Fakes.auto("a", 9000).toBuilder().addAllExpertIds(Fakes.range(0, 9))
          .setAssignmentId(40).build());
      FakeProcess b = router.process(Fakes.auto("b", 9001).toBuilder().addAllExpertIds(Fakes.range(10, 15))
          .setAssignmentId(41).build());
      FakeGateway gateway = router.gateway("g");
      TestRouter.await("as before", () -> gateway.experts("a").size() == 10 && gateway.experts("b").size() == 6);
      loop.advance(Duration.ofMillis(2900));
      assertThat(assigned(a)).isEqualTo(Fakes.range(0, 9));
      assertThat(assigned(b)).isEqualTo(Fakes.range(10, 15));
    }
  }

  @Test
  void aPlanRelievesTheBusiestAndIsCarriedOutIfAsked() throws Exception {
    TwoShards shards = TwoShards.ready();
    try (TestRouter router = shards.router()) {
      LoadReport.Builder load = LoadReport.newBuilder().setWindowMicros(1_000_000);
      for (int expert = 0; expert < 4; expert++) {
        load.addExperts(ExpertLoad.newBuilder().setLayer(0).setExpertId(expert).setRows(100));
      }
      int answers = shards.a().answers();
      shards.a().say(shards.a().says().toBuilder().setLoad(load).build());
      TestRouter.await("load is known", () -> shards.a().answers() > answers);
      shards.a().say(shards.a().says().toBuilder().clearLoad().build());
      PlanResponse dry = router.admin().plan(PlanRequest.getDefaultInstance());
      assertThat(dry.getBusiestBefore()).isEqualTo(400);
      assertThat(dry.getBusiestAfter()).isEqualTo(200);
      assertThat(dry.getMovesList().stream().filter(move -> move.getExpertId() < 4)).hasSize(2);
      assertThat(assigned(shards.a())).isEqualTo(Fakes.range(0, 7));
      Future<PlanResponse> applied = AdminServiceGrpc.newFutureStub(router.channel())
          .plan(PlanRequest.newBuilder().setApply(true).build());
      TestRouter.await("b gets more", () -> assigned(shards.b()).size() > 8);
      shards.b().fulfil();
      assertThat(applied.get().getMovesList()).isEqualTo(dry.getMovesList());
    }
  }

  @Test
  void impossibleMovesAreRefused() {
    TwoShards shards = TwoShards.ready();
    try (TestRouter router = shards.router()) {
      assertThatThrownBy(() -> router.admin().moveExperts(MoveExpertsRequest.getDefaultInstance()))
          .isInstanceOf(StatusRuntimeException.class).hasMessageContaining("no moves");
      refused(router, move(7, "b", "a"), "does not hold");
      refused(router, move(3, "", "a"), "already");
      refused(router, move(3, "a", ""), "nowhere");
      refused(router, move(3, "a", "nobody"), "nobody");
      refused(router, move(99, "a", "b"), "no expert 99");
      refused(router, move(3, "", ""), "names no process");
      refused(router, move(3, "a", "b").toBuilder().addAllMoves(move(3, "a", "b").getMovesList()).build(), "twice");
    }
  }

  private static void refused(TestRouter router, MoveExpertsRequest moves, String message) {
    assertThatThrownBy(() -> router.admin().moveExperts(moves)).hasMessageContaining(message);
  }
}
