package io.expertmesh.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.google.protobuf.ByteString;
import io.expertmesh.proto.v1.DrainRequest;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.UndrainRequest;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.expertmesh.router.metrics.RouterCounters.Event;
import io.expertmesh.transport.Fingerprints;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RegistrationTest {
  @Test
  void aReadyProcessIsInTheTableUntilItsStreamBreaks() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      FakeProcess process = router.process(Fakes.fixed("a", 9000, 0, 7).toBuilder()
          .setState(ProcessState.PROCESS_STATE_LOADING).build());
      TestRouter.await("an answer", () -> process.answers() > 0);
      assertThat(process.heard().getLeaseMillis()).isEqualTo(3000);
      assertThat(gateway.replicas()).isEmpty();
      process.say(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("in the table", () -> gateway.routesTo("a"));
      assertThat(gateway.experts("a")).isEqualTo(Fakes.range(0, 7));
      process.kill();
      TestRouter.await("gone without time passing", () -> gateway.replicas().isEmpty());
      assertThat(router.server.counters().get(Event.STREAM_BROKEN)).isEqualTo(1);
    }
  }

  private static FakeGateway quiet(TestRouter router, String name) {
    return new FakeGateway(router.channel(), WatchRoutingTableRequest.newBuilder().setGateway(name).build(), false,
        true);
  }

  @Test
  void aProcessIsInServiceWhenAllGatewaysAcknowledgedATableThatHasIt() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway quick = router.gateway("quick");
      FakeGateway slow = quiet(router, "slow");
      FakeProcess process = router.process(Fakes.fixed("a", 9000, 0, 7).toBuilder()
          .setState(ProcessState.PROCESS_STATE_LOADING).build());
      TestRouter.await("an answer", () -> process.answers() > 0);
      slow.acknowledge();
      process.say(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("in both tables", () -> quick.routesTo("a") && slow.routesTo("a"));
      router.loop.settle();
      process.renew();
      TestRouter.await("answered again", () -> process.answers() > 2);
      assertThat(process.heard().hasInService()).isTrue();
      assertThat(process.heard().getInService()).as("slow may still call another").isFalse();
      slow.acknowledge();
      TestRouter.await("told without asking", () -> process.heard().getInService());
      FakeProcess stopping = process;
      stopping.say(process.says().toBuilder().setState(ProcessState.PROCESS_STATE_DRAINING).build());
      TestRouter.await("out of service", () -> !stopping.heard().getInService());
    }
  }

  @Test
  void aProcessThatStopsIsReleasedWhenAllGatewaysAcknowledgedATableThatSaysSo() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      router.gateway("quick");
      FakeGateway slow = quiet(router, "slow");
      FakeProcess process = router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("in the table", () -> slow.routesTo("a"));
      slow.acknowledge();
      TestRouter.await("in service", () -> process.heard().getInService());
      assertThat(process.heard().getReleased()).isFalse();
      process.say(process.says().toBuilder().setState(ProcessState.PROCESS_STATE_DRAINING).build());
      TestRouter.await("out of service", () -> !process.heard().getInService());
      TestRouter.await("draining in the table", () -> slow.replicas().values().stream()
          .anyMatch(replica -> replica.getState() == ReplicaState.REPLICA_STATE_DRAINING));
      router.loop.settle();
      process.renew();
      int before = process.answers();
      TestRouter.await("answered again", () -> process.answers() > before);
      assertThat(process.heard().getReleased()).as("slow may still call it").isFalse();
      slow.acknowledge();
      TestRouter.await("told without asking", () -> process.heard().getReleased());
    }
  }

  @Test
  void aProcessThatEveryGatewayRefusesIsNotInService() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway one = quiet(router, "one");
      FakeGateway other = quiet(router, "other");
      FakeProcess process = router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("in both tables", () -> one.routesTo("a") && other.routesTo("a"));
      one.refuse("a", "the weights of expert 7 differ");
      other.refuse("a", "shape is 8 instead of 16");
      TestRouter.await("told why", () -> {
        process.renew();
        return !process.heard().getRefusal().isEmpty();
      });
      assertThat(process.heard().getInService()).isFalse();
      assertThat(process.heard().getRefusal()).isIn("gateway one: the weights of expert 7 differ",
          "gateway other: shape is 8 instead of 16");
      assertThat(router.state().getGatewaysList()).allMatch(status -> status.getRefusedCount() == 1);
      FakeGateway ofTheNewModel = router.gateway("new");
      TestRouter.await("in its table", () -> ofTheNewModel.routesTo("a"));
      TestRouter.await("one uses it", () -> {
        process.renew();
        return process.heard().getInService();
      });
      assertThat(process.heard().getRefusal()).isEmpty();
    }
  }

  @Test
  void aGatewayThatIsSilentOrGoneHoldsNobodyUpForLong() {
    try (TestRouter router = TestRouter.settled(Map.of("expertmesh.router.lease", "1h"))) {
      FakeGateway silent = quiet(router, "silent");
      FakeProcess first = router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("in the table", () -> silent.routesTo("a"));
      router.loop.advance(Duration.ofSeconds(19));
      assertThat(first.heard().getInService()).isFalse();
      router.loop.advance(Duration.ofSeconds(2));
      TestRouter.await("in service all the same", () -> first.heard().getInService());
      FakeProcess second = router.process(Fakes.fixed("b", 9001, 0, 7));
      TestRouter.await("in the table", () -> silent.routesTo("b"));
      assertThat(second.heard().getInService()).isFalse();
      silent.leave();
      TestRouter.await("nobody is left to acknowledge", () -> second.heard().getInService());
    }
  }

  @Test
  void aNewLeaderSaysNothingOfServiceBeforeItHasSettled() {
    try (TestRouter router = new TestRouter(Map.of("expertmesh.router.settle", "2s"))) {
      FakeProcess process = router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("an answer", () -> process.answers() > 0);
      router.loop.advance(Duration.ofMillis(1900));
      assertThat(process.heard().getInService()).as("gateways of an earlier router may not be here yet").isFalse();
      router.loop.advance(Duration.ofMillis(200));
      TestRouter.await("settled", () -> process.heard().getInService());
    }
  }

  @Test
  void replicasOfAGroupMayHoldOtherTypesAndTheTableSaysWhich() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      router.process(Fakes.fixed("a", 9000, 0, 7));
      RegisterRequest other = Fakes.fixed("b", 9001, 0, 7);
      router.process(other.toBuilder()
          .setFingerprint(other.getFingerprint().toBuilder().setHeldDtype("q8_0")).build());
      TestRouter.await("both", () -> gateway.routesTo("a") && gateway.routesTo("b"));
      assertThat(gateway.replicas().values()).extracting(Replica::getName,
          replica -> Fingerprints.heldDtype(replica.getFingerprint()))
          .containsExactlyInAnyOrder(tuple("a", "f32"), tuple("b", "q8_0"));
    }
  }

  @Test
  void aSilentProcessLeavesWhenItsLeaseRunsOutAndReturnsWhenItRegistersAgain() throws Exception {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      FakeProcess silent = router.process(Fakes.fixed("a", 9000, 0, 7));
      FakeProcess lively = router.process(Fakes.fixed("b", 9001, 0, 7));
      TestRouter.await("both", () -> gateway.routesTo("a") && gateway.routesTo("b"));
      router.loop.advance(Duration.ofSeconds(2));
      assertThat(gateway.routesTo("a")).isTrue();
      int answers = lively.answers();
      lively.renew();
      TestRouter.await("renewed", () -> lively.answers() > answers);
      router.loop.advance(Duration.ofMillis(1100));
      TestRouter.await("a is gone", () -> !gateway.routesTo("a"));
      assertThat(gateway.routesTo("b")).isTrue();
      assertThat(silent.awaitEnd().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(router.server.counters().get(Event.LEASE_EXPIRED)).isEqualTo(1);
      router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("a is back", () -> gateway.routesTo("a"));
    }
  }

  @Test
  void aRouterThatWasHaltedDoesNotBlameItsProcesses() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("in the table", () -> gateway.routesTo("a"));
      router.loop.jump(Duration.ofMinutes(1));
      assertThat(gateway.routesTo("a")).isTrue();
      router.loop.advance(Duration.ofSeconds(4));
      TestRouter.await("gone", () -> !gateway.routesTo("a"));
    }
  }

  @Test
  void aProcessIdThatIsAliveElsewhereIsRefused() throws Exception {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("in the table", () -> gateway.routesTo("a"));
      FakeProcess impostor = router.process(Fakes.fixed("a", 9001, 8, 15));
      Status end = impostor.awaitEnd();
      assertThat(end.getCode()).isEqualTo(Status.Code.ALREADY_EXISTS);
      assertThat(end.getDescription()).contains("id-a", "127.0.0.1:9000", "127.0.0.1:9001");
      assertThat(router.server.counters().get(Event.REFUSED_DUPLICATE)).isEqualTo(1);
      assertThat(gateway.experts("a")).isEqualTo(Fakes.range(0, 7));
    }
  }

  @Test
  void aNewProcessAtAnEndpointReplacesTheOldOne() throws Exception {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      FakeProcess old = router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("old", () -> gateway.routesTo("a"));
      router.process(Fakes.fixed("b", 9000, 0, 7));
      TestRouter.await("new", () -> gateway.routesTo("b") && !gateway.routesTo("a"));
      assertThat(old.awaitEnd().getCode()).isEqualTo(Status.Code.ABORTED);
    }
  }

  @Test
  void drainedAndStoppingProcessesAreListedAsDraining() {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeGateway gateway = router.gateway("g");
      FakeProcess a = router.process(Fakes.fixed("a", 9000, 0, 7));
      FakeProcess b = router.process(Fakes.fixed("b", 9001, 0, 7));
      TestRouter.await("both", () -> gateway.routesTo("a") && gateway.routesTo("b"));
      b.say(b.says().toBuilder().setState(ProcessState.PROCESS_STATE_DRAINING).build());
      TestRouter.await("b stops", () -> !gateway.routesTo("b"));
      router.admin().drain(DrainRequest.newBuilder().setProcess("a").build());
      TestRouter.await("a drained", () -> a.heard().getDrained() && !gateway.routesTo("a"));
      assertThat(gateway.replicas().values()).allMatch(r -> r.getState() == ReplicaState.REPLICA_STATE_DRAINING);
      a.kill();
      TestRouter.await("a away", () -> gateway.replicas().size() == 1);
      FakeProcess back = router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("still drained", () -> back.heard().getDrained() && gateway.replicas().size() == 2);
      assertThat(gateway.routesTo("a")).isFalse();
      router.admin().undrain(UndrainRequest.newBuilder().setProcess("id-a").build());
      TestRouter.await("undrained", () -> gateway.routesTo("a"));
      assertThatThrownBy(() -> router.admin().drain(DrainRequest.newBuilder().setProcess("nobody").build()))
          .isInstanceOfSatisfying(StatusRuntimeException.class,
              refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND))
          .hasMessageContaining("nobody");
    }
  }

  @Test
  void processesAndGatewaysAreLimited() throws Exception {
    try (TestRouter router = TestRouter.settled(Map.of("expertmesh.router.max-processes", 1,
        "expertmesh.router.max-gateways", 1))) {
      FakeGateway gateway = router.gateway("g");
      router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("in the table", () -> gateway.routesTo("a"));
      assertThat(router.process(Fakes.fixed("b", 9001, 0, 7)).awaitEnd().getCode())
          .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
      assertThat(router.gateway("h").end().get().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    }
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        wrong("process_id", b -> b.setProcessId("")),
        wrong("name", b -> b.setName("x".repeat(129))),
        wrong("name", b -> b.setName("a/b")),
        wrong("endpoint", b -> b.setEndpoint("127.0.0.1")),
        wrong("endpoint", b -> b.setEndpoint("127.0.0.1:70000")),
        wrong("endpoint", b -> b.setEndpoint("a b:1")),
        wrong("http", b -> b.setHttp("ftp://x")),
        wrong("state", b -> b.setState(ProcessState.PROCESS_STATE_UNSPECIFIED)),
        wrong("state", b -> b.setStateValue(99)),
        wrong("ascend", b -> b.clearExpertIds().addExpertIds(3).addExpertIds(3)),
        wrong("below", b -> b.clearExpertIds().addExpertIds(4096)),
        wrong("4294967295", b -> b.clearExpertIds().addExpertIds(-1)),
        wrong("holds no expert", b -> b.clearExpertIds()),
        wrong("max_experts", b -> b.setMaxExperts(2)),
        wrong("digest", b -> b.clearExpertIds().addExpertIds(40)),
        wrong("15 bytes", b -> b.getFingerprintBuilder().putExpertDigests(0, ByteString.copyFrom(new byte[15]))),
        wrong("version", b -> b.getFingerprintBuilder().setVersion("a b")),
        wrong("held_dtype", b -> b.getFingerprintBuilder().setHeldDtype("q8_0\n")),
        wrong("rows_per_second", b -> b.setRowsPerSecond(Double.NaN)),
        wrong("layer", b -> b.getLoadBuilder().addExpertsBuilder().setLayer(4000)),
        wrong("rows", b -> b.getLoadBuilder().addExpertsBuilder().setRows(-1)));
  }

  private interface Change {
    Object apply(RegisterRequest.Builder builder);
  }

  private static Arguments wrong(String message, Change change) {
    RegisterRequest.Builder builder = Fakes.fixed("a", 9000, 0, 7).toBuilder();
    change.apply(builder);
    return Arguments.of(message, builder.build());
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void whatIsWrongIsNamed(String message, RegisterRequest request) throws Exception {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      Status end = router.process(request).awaitEnd();
      assertThat(end.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(end.getDescription()).contains(message);
      assertThat(router.server.counters().get(Event.REFUSED_INVALID)).isEqualTo(1);
      assertThat(router.state().getProcessesCount()).isZero();
    }
  }

  @Test
  void aStreamCannotBecomeAnotherProcess() throws Exception {
    try (TestRouter router = TestRouter.settled(Map.of())) {
      FakeProcess process = router.process(Fakes.fixed("a", 9000, 0, 7));
      TestRouter.await("an answer", () -> process.answers() > 0);
      process.say(Fakes.fixed("b", 9000, 0, 7));
      assertThat(process.awaitEnd().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(router.state().getProcessesCount()).isZero();
    }
  }
}
