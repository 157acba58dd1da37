package io.expertmesh.gateway.remote;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.experts.CallOrigin;
import io.expertmesh.engine.experts.ExpertCall;
import io.expertmesh.engine.experts.ExpertCall.LostExpert;
import io.expertmesh.engine.watch.RequestWatch;
import io.expertmesh.gateway.remote.ScriptedReplica.Fault;
import io.expertmesh.gateway.remote.TestExperts.Work;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.ExpertLimits;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Every row is right or reported as lost, whatever replicas do. */
@Timeout(60)
class RemoteExpertsTest {
  private final SplittableRandom random = new SplittableRandom(4);

  @ParameterizedTest
  @CsvSource({"1,1", "2,1", "4,2", "16,1"})
  void placementDoesNotChangeABit(int groups, int copies) throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(groups, copies)) {
      for (int tokens : new int[]{1, 2, 16, 100}) {
        mesh.computes(Work.random(random, tokens));
      }
      mesh.awaitQuiet();
    }
  }

  @Test
  void aCallSendsOneMessageToEachGroupAndEachTokenOnce() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(2, 2)) {
      mesh.computes(Work.random(random, 64));
      assertThat(mesh.experts.traffic().messagesOut()).isEqualTo(2);
      assertThat(mesh.experts.traffic().tokens()).isEqualTo(64);
      assertThat(mesh.experts.traffic().rows()).isEqualTo(256);
      mesh.replicas.forEach(replica -> replica.batches
          .forEach(batch -> assertThat(batch.getHidden().getShape(0)).isLessThanOrEqualTo(64)));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"NONE", "TWICE"},
      mode = EnumSource.Mode.EXCLUDE)
  void whatOneReplicaSpoilsAnotherComputes(Fault fault) throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(2, 2)) {
      mesh.replicas.getFirst().script = batch -> fault;
      for (int i = 0; i < 6; i++) {
        mesh.computes(Work.random(random, 8));
      }
      assertThat(mesh.replicas.getFirst().batches).isNotEmpty();
      mesh.awaitQuiet();
    }
  }

  @Test
  void spoiltAnswersAreNamedAndCountedAndOpenTheBreaker() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 1)) {
      mesh.replicas.getFirst().script = batch -> Fault.NOT_A_NUMBER;
      assertThat(mesh.loses(Work.random(random, 1)))
          .isNotEmpty()
          .allSatisfy(lost -> assertThat(lost.reason())
              .contains("expert " + lost.expertId(), "layer", "expert-0-0", "not finite"));
      assertThat(mesh.failures(FailureKind.NOT_FINITE)).isEqualTo(1);
      TestMesh.await(() -> mesh.experts.unavailable().size() == TestExperts.EXPERTS);
      mesh.replicas.getFirst().script = batch -> Fault.NONE;
      TestMesh.await(() -> mesh.experts.unavailable().isEmpty()); // it is given another chance
      mesh.computes(Work.random(random, 4));
      mesh.computes(Work.random(random, 4));
      assertThat(mesh.experts.links().getFirst().breaker.getState()).isEqualTo(CircuitBreaker.State.CLOSED);
    }
  }

  @Test
  void aReplicaThatFailedAgainAndAgainIsAskedWhenThereIsNoOther() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 2)) {
      ScriptedReplica failing = mesh.replicas.get(0);
      failing.script = batch -> Fault.FAILED;
      CircuitBreaker breaker = mesh.experts.links().stream().filter(link -> link.name.equals(failing.name)).findFirst()
          .orElseThrow().breaker;
      while (breaker.getState() != CircuitBreaker.State.OPEN) {
        mesh.computes(Work.random(random, 4));
      }
      failing.script = batch -> Fault.NONE;
      mesh.replicas.get(1).close();
      TestMesh.await(() -> mesh.experts.unavailable().isEmpty() && breaker.getState() != CircuitBreaker.State.OPEN);
      mesh.computes(Work.random(random, 4));
    }
  }

  @Test
  void itIsAskedForWhatTheOtherHadWhenItDied() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 2)) {
      ScriptedReplica failing = mesh.replicas.get(0);
      ScriptedReplica dying = mesh.replicas.get(1);
      failing.script = batch -> Fault.FAILED;
      while (mesh.experts.links().stream()
          .noneMatch(link -> link.breaker.getState() == CircuitBreaker.State.OPEN)) {
        mesh.computes(Work.random(random, 4));
      }
      failing.script = batch -> Fault.NONE;
      int before = failing.batches.size();
      dying.script = batch -> Fault.BREAK;
      mesh.computes(Work.random(random, 4));
      assertThat(failing.batches).hasSizeGreaterThan(before);
      mesh.awaitQuiet();
    }
  }

  @Test
  void theReasonNamesWhatEveryReplicaSaid() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 2)) {
      mesh.replicas.get(0).script = batch -> Fault.FAILED;
      mesh.replicas.get(1).script = batch -> Fault.BREAK;
      assertThat(mesh.loses(Work.random(random, 1)).getFirst().reason())
          .contains("expert-0-0: rejected: as scripted: REJECTION_REASON_FAILED", "expert-0-1: as scripted");
      mesh.awaitQuiet();
    }
  }

  @Test
  void retriesAndLostExpertsAreToldToThoseWhoWatch() throws InterruptedException {
    List<String> incidents = new CopyOnWriteArrayList<>();
    RequestWatch watch = new IncidentWatch(incidents);
    try (TestMesh mesh = TestMesh.of(1, 2)) {
      Work work = Work.random(random, 1);
      CallOrigin origin = new CallOrigin(List.of("req-1"), List.of(watch), null);
      mesh.replicas.get(0).script = batch -> Fault.FAILED;
      mesh.replicas.get(1).script = batch -> Fault.FAILED;
      List<LostExpert> lost = mesh.experts
          .forward(work.layer(), work.plan(), work.hidden(), work.newOutputs(), origin).await();
      assertThat(lost).isNotEmpty();
      assertThat(incidents).contains("retry", "batch failed", "expert lost");
      assertThat(mesh.replicas.getFirst().batches).allSatisfy(batch -> {
        assertThat(batch.getRequestIdsList()).containsExactly("req-1");
        assertThat(batch.getTraceparent()).as("nobody watches the layer").isEmpty();
      });
      mesh.awaitQuiet();
    }
  }

  @Test
  void aReplicaWithoutRoomIsAskedAgain() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 1)) {
      List<Fault> faults = Collections.synchronizedList(new ArrayList<>(
          List.of(Fault.OVERLOADED, Fault.OVERLOADED, Fault.OVERLOADED)));
      mesh.replicas.getFirst().script = batch -> faults.isEmpty() ? Fault.NONE : faults.removeFirst();
      mesh.computes(Work.random(random, 4));
      assertThat(mesh.failures(FailureKind.OVERLOADED)).isEqualTo(3);
    }
  }

  @Test
  void aBatchIsNotLostForOneExpertThatHasMoved() throws InterruptedException {
    List<Integer> every = TestMesh.group(0, 1);
    try (ScriptedReplica before = new ScriptedReplica("before", every);
        ScriptedReplica now = new ScriptedReplica("now", every.subList(0, 1));
        TestMesh mesh = new TestMesh(List.of(before, now))) {
      mesh.awaitConnections(2);
      before.script = batch -> batch.getExpertIds(0) == 0 ? Fault.LACKS_FIRST : Fault.NONE;
      for (int i = 0; i < 10; i++) {
        mesh.computes(Work.random(random, 64));
        assertThat(mesh.experts.unavailable()).isEmpty();
      }
      assertThat(mesh.failures(FailureKind.UNKNOWN_EXPERT)).isPositive();
    }
  }

  @Test
  void aLateAnswerIsHedgedAndItsReplicaAvoided() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 2)) {
      for (int i = 0; i < 20; i++) {
        mesh.computes(Work.random(random, 4));
      }
      ScriptedReplica hung = mesh.replicas.getFirst();
      hung.script = batch -> Fault.HANG;
      hung.answersDescribe = false;
      hung.batches.clear();
      for (int i = 0; i < 20; i++) {
        mesh.computes(Work.random(random, 4));
      }
      // One hedge of what the hung one got first. On a busy machine the other one may be late too, and is hedged with it.
      long hedges = mesh.experts.traffic().hedges();
      assertThat(hedges).isPositive();
      assertThat(hung.batches).hasSize((int) hedges);
      TestMesh.await(() -> hung.cancelled.size() == hedges);
      assertThat(mesh.experts.traffic().hedgeWins()).isEqualTo(1);
      assertThat(mesh.failures(FailureKind.LATE)).isEqualTo(1);
      hung.answersDescribe = true;
      hung.script = batch -> Fault.NONE;
      TestMesh.await(() -> mesh.experts.links().stream().noneMatch(link -> link.suspicion.isSuspect()));
      mesh.awaitQuiet();
    }
  }

  @Test
  void aHungReplicaWithoutAnotherIsWaitedForUntilTheDeadline() throws InterruptedException {
    RemoteSettings impatient = new RemoteSettings(Duration.ofMillis(300), 1, Duration.ZERO, RemoteSettings.Wire.f32,
        Duration.ofSeconds(30), 1000, null);
    try (TestMesh mesh = TestMesh.of(impatient, 1, 1)) {
      mesh.replicas.getFirst().script = batch -> Fault.HANG;
      assertThat(mesh.loses(Work.random(random, 1)).getFirst().reason()).contains("no answer in time");
      assertThat(mesh.replicas.getFirst().batches.element().getTimeoutMicros()).isBetween(1L, 300_000L);
      mesh.awaitQuiet();
    }
  }

  @Test
  void aReplicaThatComesWhileOthersHangTakesOver() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 1)) {
      mesh.replicas.getFirst().script = batch -> {
        mesh.replicas.add(new ScriptedReplica("expert-0-1", TestMesh.group(0, 1)));
        mesh.publishAll();
        return Fault.HANG;
      };
      mesh.computes(Work.random(random, 4));
    }
  }

  @Test
  void aDrainingReplicaFinishesAndGetsNothingNew() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 2)) {
      ScriptedReplica draining = mesh.replicas.getFirst();
      mesh.publish(List.of(draining.entry().toBuilder().setState(ReplicaState.REPLICA_STATE_DRAINING).build(),
          mesh.replicas.get(1).entry()));
      for (int i = 0; i < 10; i++) {
        mesh.computes(Work.random(random, 4));
      }
      assertThat(draining.batches).isEmpty();
      mesh.replicas.get(1).close();
      TestMesh.await(() -> mesh.experts.unavailable().size() == TestExperts.EXPERTS);
    }
  }

  @Test
  void whatALostReplicaComputesIsAskedOfOthersAndItsOwnAnswerStillCounts() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 2)) {
      AtomicBoolean asked = new AtomicBoolean();
      for (ScriptedReplica replica : mesh.replicas) {
        replica.script = batch -> {
          if (asked.compareAndSet(false, true)) {
            mesh.publish(mesh.replicas.stream().filter(other -> other != replica).map(ScriptedReplica::entry).toList());
            return Fault.HANG;
          }
          return Fault.NONE;
        };
      }
      mesh.computes(Work.random(random, 4));
      mesh.awaitQuiet();
    }
  }

  @Test
  void aReplicaThatTheTableLostIsCalledWhenTheOthersGo() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 2)) {
      ScriptedReplica lost = mesh.replicas.getFirst();
      ScriptedReplica other = mesh.replicas.getLast();
      mesh.publish(List.of(other.entry()));
      lost.batches.clear();
      for (int i = 0; i < 10; i++) {
        mesh.computes(Work.random(random, 4));
      }
      assertThat(lost.batches).isEmpty();
      other.close();
      for (int i = 0; i < 10; i++) {
        mesh.computes(Work.random(random, 4));
      }
      assertThat(mesh.experts.unavailable()).isEmpty();
      lost.close();
      TestMesh.await(() -> mesh.experts.unavailable().size() == TestExperts.EXPERTS);
    }
  }

  @Test
  void aReplicaThatTheTableLostServesWhileNobodyElseCan() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 1)) {
      mesh.publish(List.of());
      mesh.computes(Work.random(random, 4));
      assertThat(mesh.experts.unavailable()).isEmpty();
      ScriptedReplica gone = mesh.replicas.removeFirst();
      mesh.replicas.add(new ScriptedReplica("expert-0-1", TestMesh.group(0, 1)));
      mesh.publishAll();
      mesh.awaitConnections(2);
      gone.batches.clear();
      mesh.computes(Work.random(random, 4));
      assertThat(gone.batches).isEmpty();
      gone.close();
      TestMesh.await(() -> mesh.experts.links().stream().map(link -> link.name).toList().equals(List.of("expert-0-1")));
    }
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void oneThatIsLateServesOnIfOnlyANewRouterLacksIt(boolean newRouter) throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 1)) {
      if (newRouter) {
        mesh.publishNobody();
      } else {
        mesh.publish(List.of()); // its lease is over
      }
      ScriptedReplica late = mesh.replicas.getFirst();
      late.answersDescribe = false;
      late.script = batch -> Fault.HANG;
      Work work = Work.random(random, 4);
      float[] outputs = work.newOutputs();
      ExpertCall call = mesh.experts.forward(work.layer(), work.plan(), work.hidden(), outputs);
      TestMesh.await(() -> mesh.experts.links().getFirst().suspicion.isSuspect());
      if (newRouter) {
        late.script = batch -> Fault.NONE;
        mesh.computes(Work.random(random, 4)); // which shows that it is there
        assertThat(mesh.experts.unavailable()).isEmpty();
      } else {
        TestMesh.await(() -> mesh.experts.unavailable().size() == TestExperts.EXPERTS);
      }
      late.close();
      assertThat(call.await()).isNotEmpty();
    }
  }

  @Test
  void oneThatANewRouterLacksComputesWhatAStoppingOneRejects() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 2)) {
      ScriptedReplica stopping = mesh.replicas.getFirst();
      mesh.publishNobody();
      mesh.publish(List.of(stopping.entry()));
      stopping.script = batch -> Fault.FAILED;
      for (int i = 0; i < 4; i++) {
        mesh.computes(Work.random(random, 4));
      }
    }
  }

  @Test
  void serviceResumesWithinASecondOfAReplicasReturn() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(1, 1)) {
      ScriptedReplica killed = mesh.replicas.removeFirst();
      killed.close();
      TestMesh.await(() -> mesh.experts.unavailable().size() == TestExperts.EXPERTS);
      assertThat(mesh.loses(Work.random(random, 1)).getFirst().reason()).contains("can be reached");
      CountDownLatch back = new CountDownLatch(1);
      mesh.experts.onAvailabilityChange(back::countDown);
      long start = System.nanoTime();
      mesh.replicas.add(new ScriptedReplica("expert-0-0", TestMesh.group(0, 1), killed.port)); // no word of the router
      assertThat(back.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(1));
      mesh.computes(Work.random(random, 4));
    }
  }

  @Test
  void anotherModelsReplicaIsNamedAndNotUsed() throws InterruptedException {
    ModelFingerprint right = TestExperts.FINGERPRINT;
    List<String> digests = new ArrayList<>(right.expertDigests());
    Collections.swap(digests, 0, 1);
    try (TestMesh mesh = TestMesh.of(1, 1);
        ScriptedReplica swapped = new ScriptedReplica("swapped", TestMesh.group(0, 1));
        ScriptedReplica liar = new ScriptedReplica("liar", TestMesh.group(0, 1));
        ScriptedReplica refusing = new ScriptedReplica("refusing", TestMesh.group(0, 1));
        ScriptedReplica other = new ScriptedReplica("other", TestMesh.group(0, 1))) {
      swapped.model = new ModelFingerprint("v2", right.shape(), right.dtype(), right.dtype(),
          right.numerics(), right.arithmetic(), digests);
      other.model = new ModelFingerprint("v3", right.shape(), right.dtype(), right.dtype(), "fast",
          right.arithmetic(), right.expertDigests());
      Replica lie = liar.entry();
      liar.model = swapped.model;
      refusing.refusal = Status.FAILED_PRECONDITION.withDescription("you are not my type");
      mesh.publish(List.of(mesh.replicas.getFirst().entry(), swapped.entry(), lie, refusing.entry(), other.entry()));
      mesh.awaitConnections(3);
      for (int i = 0; i < 20; i++) {
        mesh.computes(Work.random(random, 16));
      }
      assertThat(other.batches).isEmpty();
      assertThat(refusing.batches).isEmpty();
      assertThat(List.of(swapped, liar)).allSatisfy(replica -> assertThat(replica.batches)
          .isNotEmpty().allSatisfy(batch -> assertThat(batch.getExpertIdsList()).doesNotContain(0, 1)));
      assertThat(mesh.failures(FailureKind.FINGERPRINT)).isEqualTo(4);
    }
  }

  @Test
  void aLargePromptIsSplitByTheReplicasLimits() throws InterruptedException {
    try (TestMesh mesh = TestMesh.of(2, 1)) {
      ExpertLimits tight = ExpertLimits.newBuilder().setMaxRows(100).setMaxQueuedRows(250).build();
      mesh.replicas.forEach(replica -> replica.limits = tight);
      for (ScriptedReplica replica : mesh.replicas) {
        replica.script = batch -> Fault.BREAK; // so that the limits are read again
      }
      mesh.loses(Work.random(random, 16));
      mesh.replicas.forEach(replica -> replica.script = batch -> Fault.NONE);
      mesh.awaitConnections(2);
      TestMesh.await(() -> mesh.experts.links().stream()
          .map(ReplicaLink::live).allMatch(live -> live != null && live.maxRows() == 100));
      mesh.replicas.forEach(replica -> replica.batches.clear());
      mesh.computes(Work.random(random, 700));
      assertThat(mesh.replicas).allSatisfy(replica -> assertThat(replica.batches)
          .hasSizeGreaterThan(10).allSatisfy(batch -> assertThat(batch.getTokensCount()).isLessThanOrEqualTo(100)));
      mesh.awaitQuiet();
    }
  }

  @Test
  void twoGatewaysShareReplicas() throws InterruptedException {
    try (TestMesh one = TestMesh.of(2, 2); TestMesh two = new TestMesh(one.replicas)) {
      two.awaitConnections(4);
      Thread first = Thread.ofPlatform().start(() -> calls(one, 1));
      calls(two, 2);
      first.join();
      assertThat(one.experts.traffic().calls()).isEqualTo(50);
      assertThat(two.experts.traffic().calls()).isEqualTo(50);
    }
  }

  private static void calls(TestMesh mesh, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 50; i++) {
      mesh.computes(Work.random(random, 1 + i % 17));
    }
  }

  @Test
  void nothingIsLeftBehind() throws InterruptedException {
    TestMesh mesh = TestMesh.of(2, 2);
    mesh.computes(Work.random(random, 4));
    mesh.close();
    mesh.close();
    assertThat(Thread.getAllStackTraces().keySet()).noneMatch(thread -> thread.getName().equals("expertmesh-experts"));
    assertThat(mesh.experts.activeCalls()).isZero();
    assertThat(mesh.loses(Work.random(random, 1))).isNotEmpty();
  }
}
