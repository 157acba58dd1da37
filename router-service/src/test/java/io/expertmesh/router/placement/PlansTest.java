package io.expertmesh.router.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.ExpertMove;
import io.expertmesh.proto.v1.GroupPlan;
import io.expertmesh.router.placement.BalancePlan.Bin;
import io.expertmesh.router.placement.ReplicaPlan.Group;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlansTest {
  @Test
  void replicasGoToTheMostLoadPerReplica() {
    List<Group> groups = List.of(new Group(List.of(0), 2, 900, 1), new Group(List.of(1), 2, 300, 1),
        new Group(List.of(2), 2, 100, 1));
    ReplicaPlan plan = ReplicaPlan.of(groups, 0);
    // 900 | 300 | 100, then 900/2, then 900/3, then the tie of 300 and 300 goes to the one with fewer replicas.
    assertThat(plan.groups()).extracting(GroupPlan::getPlannedReplicas).containsExactly(3, 2, 1);
    assertThat(plan.busiestBefore()).isEqualTo(450);
    assertThat(plan.busiestAfter()).isEqualTo(300);
    assertThat(ReplicaPlan.of(groups, 3).groups()).extracting(GroupPlan::getPlannedReplicas).containsExactly(1, 1, 1);
    assertThat(ReplicaPlan.of(List.of(), 0).groups()).isEmpty();
    assertThatThrownBy(() -> ReplicaPlan.of(groups, 2)).isInstanceOf(FailureException.class)
        .hasMessageContaining("3 groups");
  }

  @Test
  void replicasWithoutLoadAreSpreadEvenly() {
    List<Group> groups = List.of(new Group(List.of(0), 4, 0, 1), new Group(List.of(1), 1, 0, 1),
        new Group(List.of(2), 1, 0, 1));
    assertThat(ReplicaPlan.of(groups, 0).groups()).extracting(GroupPlan::getPlannedReplicas).containsExactly(2, 2, 2);
  }

  @Test
  void fewExpertsMoveToRelieveTheBusiest() {
    BalancePlan plan = BalancePlan.of(List.of(new Bin("a", Set.of(0, 1, 2), 10, 1), new Bin("b", Set.of(3), 10, 1)),
        Map.of(0, 70.0, 1, 30.0, 2, 20.0, 3, 60.0));
    assertThat(plan.moves()).containsExactly(
        ExpertMove.newBuilder().setExpertId(1).setFrom("a").setTo("b").build());
    assertThat(plan.busiestBefore()).isEqualTo(120);
    assertThat(plan.busiestAfter()).isEqualTo(90);
  }

  @Test
  void aReplicaThatComputesFasterCountsForMore() {
    // Group 0 has twice the load of group 1, and replicas that are four times as fast.
    List<Group> groups = List.of(new Group(List.of(0), 1, 600, 4), new Group(List.of(1), 1, 300, 1));
    ReplicaPlan plan = ReplicaPlan.of(groups, 3);
    assertThat(plan.groups()).extracting(GroupPlan::getPlannedReplicas).containsExactly(1, 2);
    assertThat(plan.busiestBefore()).isEqualTo(300);
    assertThat(plan.busiestAfter()).isEqualTo(150);
  }

  @Test
  void aProcessThatComputesFasterGetsMoreExperts() {
    BalancePlan plan = BalancePlan.of(
        List.of(new Bin("cpu", Set.of(0, 1, 2, 3), 10, 1), new Bin("gpu", Set.of(), 10, 3)),
        Map.of(0, 10.0, 1, 10.0, 2, 10.0, 3, 10.0));
    assertThat(plan.moves()).hasSize(3).allMatch(move -> move.getTo().equals("gpu"));
    assertThat(plan.busiestBefore()).isEqualTo(40);
    assertThat(plan.busiestAfter()).isEqualTo(10);
  }

  @Test
  void speedsThatAreAlikeCountAsTheSame() {
    assertThat(RelativeSpeeds.of(List.of(1000.0, 1900.0, 0.0, 600.0, 8000.0))).containsExactly(1.0, 1.0, 1.0, 1.0, 8.0);
    assertThat(RelativeSpeeds.of(List.of(0.0, 0.0))).containsExactly(1.0, 1.0);
    assertThat(RelativeSpeeds.of(List.of(100.0, 1000.0, 1000.0))).containsExactly(0.1, 1.0, 1.0);
  }

  @Test
  void aBalancedPlacementIsLeftAlone() {
    Map<Integer, Double> load = Map.of(0, 100.0, 1, 98.0);
    assertThat(BalancePlan.of(List.of(new Bin("a", Set.of(0), 5, 1), new Bin("b", Set.of(1), 5, 1)), load).moves())
        .isEmpty();
    assertThat(BalancePlan.of(List.of(), load).moves()).isEmpty();
  }

  @Test
  void aNewProcessGetsItsPartEvenWithoutLoad() {
    BalancePlan plan = BalancePlan.of(List.of(new Bin("a", Set.of(0, 1, 2, 3), 5, 1), new Bin("b", Set.of(), 5, 1)),
        Map.of());
    assertThat(plan.moves()).hasSize(2).allMatch(move -> move.getTo().equals("b"));
  }

  @Test
  void roomIsKept() {
    BalancePlan plan = BalancePlan.of(List.of(new Bin("a", Set.of(0, 1, 2, 3), 0, 1), new Bin("b", Set.of(), 1, 1)),
        Map.of());
    assertThat(plan.moves()).hasSize(1);
  }

  @Test
  void aFirstPlacementCutsTheExpertsIntoContiguousParts() {
    List<Integer> experts = IntStream.range(0, 16).boxed().toList();
    assertThat(FirstPlacement.split(experts, 4, 1)).extracting(ExpertRanges::of)
        .containsExactly("0-3", "4-7", "8-11", "12-15");
    assertThat(FirstPlacement.split(experts, 4, 2)).extracting(ExpertRanges::of)
        .containsExactly("0-7", "8-15", "0-7", "8-15");
    assertThat(FirstPlacement.split(experts, 3, 1)).extracting(List::size).containsExactly(5, 5, 6);
    for (List<Integer> part : FirstPlacement.split(experts, 3, 2)) {
      assertThat(part).doesNotHaveDuplicates();
    }
  }
}
