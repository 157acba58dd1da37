package io.expertmesh.gateway.remote;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.engine.experts.ExpertCall;
import io.expertmesh.engine.experts.ExpertCall.LostExpert;
import io.expertmesh.gateway.remote.ScriptedReplica.Fault;
import io.expertmesh.gateway.remote.TestExperts.Work;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Any faults in any order: a row that is not reported as lost has the right bits, at the end and for ever after. */
@Timeout(120)
class RandomFaultsTest {
  private static final int CALLS = 100;
  private static final RemoteSettings IMPATIENT = new RemoteSettings(Duration.ofSeconds(2), 2, Duration.ZERO,
      RemoteSettings.Wire.f32, Duration.ofSeconds(30), 1000, null);

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void noRowIsEverWrong(long seed) throws InterruptedException {
    SplittableRandom random = new SplittableRandom(seed);
    try (TestMesh mesh = TestMesh.of(IMPATIENT, 2, 3)) {
      for (ScriptedReplica replica : mesh.replicas) {
        SplittableRandom faults = random.split();
        replica.slowMillis = 30;
        replica.microsPerRow = 50; // so batches are divided
        replica.script = batch -> fault(faults);
      }
      List<Runnable> checks = new ArrayList<>();
      int lostExperts = 0;
      for (int i = 0; i < CALLS; i++) {
        Work one = Work.random(random, 1 + random.nextInt(20));
        Work two = Work.random(random, 1 + random.nextInt(20));
        float[] outputsOne = one.newOutputs();
        float[] outputsTwo = two.newOutputs();
        TestMesh.await(() -> mesh.experts.unavailable().isEmpty()); // as requests do that can wait
        ExpertCall first = mesh.experts.forward(one.layer(), one.plan(), one.hidden(), outputsOne);
        ExpertCall second = mesh.experts.forward(two.layer(), two.plan(), two.hidden(), outputsTwo);
        lostExperts += check(one, outputsOne, first.await());
        lostExperts += check(two, outputsTwo, second.await());
        // The engine uses its arrays again: what comes late must not write into them.
        Arrays.fill(outputsOne, i);
        float mark = i;
        checks.add(() -> {
          for (float value : outputsOne) {
            assertThat(value).isEqualTo(mark);
          }
        });
        if (i % 20 == 10) {
          restart(mesh, random.nextInt(mesh.replicas.size()), random.split());
        }
      }
      mesh.replicas.forEach(replica -> replica.script = batch -> Fault.NONE);
      mesh.awaitQuiet();
      checks.forEach(Runnable::run);
      assertThat(lostExperts).isLessThan(CALLS); // a few are, when a whole group breaks
      assertThat(mesh.experts.traffic().retries()).isPositive();
    }
  }

  private static void restart(TestMesh mesh, int index, SplittableRandom faults) {
    ScriptedReplica killed = mesh.replicas.remove(index);
    killed.close();
    ScriptedReplica fresh = new ScriptedReplica(killed.name, killed.experts);
    fresh.script = batch -> fault(faults);
    mesh.replicas.add(index, fresh);
    mesh.publishAll();
  }

  private static synchronized Fault fault(SplittableRandom random) {
    Fault[] all = Fault.values();
    return random.nextInt(20) > 0 ? Fault.NONE : all[random.nextInt(all.length)];
  }

  private static int check(Work work, float[] outputs, List<LostExpert> lost) {
    DispatchPlan plan = work.plan();
    List<Integer> lostIds = lost.stream().map(LostExpert::expertId).toList();
    for (int i = 0; i < plan.expertIds().length; i++) {
      if (!lostIds.contains(plan.expertIds()[i])) {
        int from = plan.starts()[i] * TestExperts.HIDDEN;
        int to = plan.starts()[i + 1] * TestExperts.HIDDEN;
        assertThat(Arrays.equals(outputs, from, to, work.expected(), from, to))
            .as("expert %d of layer %d", plan.expertIds()[i], work.layer()).isTrue();
      }
    }
    return lost.size();
  }
}
