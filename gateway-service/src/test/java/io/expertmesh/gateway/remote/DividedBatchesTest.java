package io.expertmesh.gateway.remote;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.gateway.remote.ScriptedReplica.Fault;
import io.expertmesh.gateway.remote.TestExperts.Work;
import io.expertmesh.proto.v1.ExpertBatch;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one replica would compute for long is divided among all replicas of the group. */
@Timeout(60)
class DividedBatchesTest {
  private final SplittableRandom random = new SplittableRandom(12);

  /** Of one group whose replicas have said how long a row takes them. */
  private TestMesh mesh(int groups, int copies, int microsPerRow) throws InterruptedException {
    TestMesh mesh = TestMesh.of(groups, copies);
    mesh.replicas.forEach(replica -> replica.microsPerRow = microsPerRow);
    for (int i = 0; i < copies; i++) {
      mesh.computes(Work.random(random, 64));
      mesh.awaitQuiet();
    }
    mesh.replicas.forEach(replica -> replica.batches.clear());
    return mesh;
  }

  private static List<Integer> rows(TestMesh mesh) {
    return mesh.replicas.stream().map(replica -> replica.batches.stream().mapToInt(ExpertBatch::getTokensCount).sum())
        .toList();
  }

  @Test
  void expertsAreDividedAmongReplicas() throws InterruptedException {
    try (TestMesh mesh = mesh(1, 3, 100)) {
      mesh.computes(Work.random(random, 64));
      assertThat(rows(mesh)).allSatisfy(rows -> assertThat(rows).isBetween(70, 100)); // of 256
      Set<Integer> seen = new HashSet<>();
      for (ScriptedReplica replica : mesh.replicas) {
        assertThat(replica.batches).hasSize(1);
        assertThat(replica.batches.element().getExpertIdsList()).allMatch(seen::add).isSorted();
      }
    }
  }

  @Test
  void whatIsQuickGoesToOneReplica() throws InterruptedException {
    try (TestMesh mesh = mesh(1, 3, 100)) {
      mesh.computes(Work.random(random, 1)); // four rows
      assertThat(rows(mesh)).containsExactlyInAnyOrder(4, 0, 0);
    }
  }

  @Test
  void partsAreNoSmallerThanPays() throws InterruptedException {
    try (TestMesh mesh = mesh(1, 3, 3)) {
      mesh.computes(Work.random(random, 64)); // 0.77 ms
      assertThat(rows(mesh)).satisfiesOnlyOnce(rows -> assertThat(rows).isZero());
    }
  }

  @Test
  void theRowsOfOneExpertAreDividedIfTheyAreMany() throws InterruptedException {
    try (TestMesh mesh = mesh(2, 2, 100)) {
      mesh.computes(Work.alike(random, 300, 0, 8, 9, 10));
      assertThat(rows(mesh)).containsExactlyInAnyOrder(150, 150, 450, 450);
    }
  }

  @Test
  void theyAreDividedIntoFewerPartsThanThereAreReplicas() throws InterruptedException {
    try (TestMesh mesh = mesh(1, 5, 3)) {
      mesh.computes(Work.alike(random, 64, 0, 0, 0, 0)); // 0.77 ms
      assertThat(rows(mesh)).containsExactlyInAnyOrder(128, 128, 0, 0, 0);
    }
  }

  @Test
  void whatOneOfThemFailsAtTheOthersCompute() throws InterruptedException {
    try (TestMesh mesh = mesh(1, 3, 100)) {
      mesh.replicas.getFirst().script = batch -> Fault.BREAK;
      mesh.computes(Work.random(random, 64));
      assertThat(mesh.replicas.getFirst().batches).isNotEmpty();
      mesh.awaitQuiet();
    }
  }

  @Test
  void onlyThatPartOfALateReplicaIsAskedOfOthers() throws InterruptedException {
    try (TestMesh mesh = mesh(1, 3, 100)) {
      ScriptedReplica late = mesh.replicas.getFirst();
      late.script = batch -> Fault.HANG;
      mesh.computes(Work.random(random, 64));
      int computed = mesh.replicas.stream().filter(replica -> replica != late)
          .flatMap(replica -> replica.batches.stream()).mapToInt(ExpertBatch::getTokensCount).sum();
      assertThat(computed).isEqualTo(256);
      mesh.awaitQuiet();
    }
  }
}
