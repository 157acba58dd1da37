package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.proto.v1.GroupPlan;
import io.expertmesh.router.keda.Metric;
import io.expertmesh.router.placement.ReplicaPlan;
import io.expertmesh.router.scaling.GroupNeeds;
import io.expertmesh.router.scaling.ScaledGroup;
import io.expertmesh.simulator.placement.GreedyReplicas;
import io.expertmesh.simulator.scaling.ScalingRule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The simulator follows the rules that the router follows, without its code. */
class SimulatorRulesTest {
  @Test
  void replicasAreDividedAsTheRouterDividesThem() {
    Random random = new Random(5);
    for (int round = 0; round < 200; round++) {
      int count = 1 + random.nextInt(20);
      double[] load = new double[count];
      List<ReplicaPlan.Group> groups = new ArrayList<>();
      for (int group = 0; group < count; group++) {
        load[group] = random.nextInt(5) == 0 ? 0 : Math.exp(3 * random.nextGaussian());
        groups.add(new ReplicaPlan.Group(List.of(group), 1, load[group], 1));
      }
      int total = count + random.nextInt(100);
      assertThat(GreedyReplicas.of(load, total)).containsExactly(
          ReplicaPlan.of(groups, total).groups().stream().mapToInt(GroupPlan::getPlannedReplicas).toArray());
    }
  }

  /** KEDA hands value and target to the autoscaler, which wants value / target replicas, rounded up. */
  @Test
  void replicasAreAskedForAsTheRoutersScalerAsks() {
    for (int utilization : new int[]{3, 30, 60, 100}) {
      ScaledGroup group = ScaledGroup.of(Map.of("experts", "0-3", "targetUtilization", String.valueOf(utilization)));
      ScalingRule rule = new ScalingRule(1, 1000, utilization / 100.0, 120, 10);
      for (int current = 1; current <= 8; current++) {
        for (double busy = 0.01; busy <= current; busy += 0.07) {
          GroupNeeds needs = new GroupNeeds("0-3", current, 100, busy, Duration.ZERO, 0, false);
          double replicas = Metric.LOAD.value(group, needs) / Metric.LOAD.target(group);
          int wanted = Math.abs(replicas / current - 1) <= 0.1 ? current : (int) Math.ceil(replicas - 1e-9);
          assertThat(rule.wanted(busy, current)).isEqualTo(Math.max(1, wanted));
        }
      }
    }
  }
}
