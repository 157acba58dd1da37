package io.expertmesh.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.simulator.estimate.Estimator;
import io.expertmesh.simulator.events.BatchOutcome;
import io.expertmesh.simulator.events.Outcome;
import io.expertmesh.simulator.events.StepSimulation;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import io.expertmesh.simulator.routing.RoutingSource;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

/** Rows of a step that several replicas of a group compute. */
class SharingTest {
  private static final Percentage EXACT = Percentage.withPercentage(1e-6);
  /** As {@link Samples#COSTS}, but reading an expert takes 200 us. */
  private static final Costs SLOW_READING = new Costs(100e-6, 10e-6, 5e-6, 5e-6, 20e-6, 1e-9, 200e-6, 4e-6, 50e-6, 0);

  /** One layer whose rows all visit all four experts. */
  private static Routing everywhere() {
    return RoutingSource.open("uniform", new ModelShape("everywhere", 1, 4, 4, 64, 1, 1, 1, 1, 1, 1), 1);
  }

  private static Deployment oneGroup(Costs costs, Routing routing, int replicas) {
    return Deployment.mesh(costs, 0, routing, Groups.equal(routing.experts(), 1), new int[]{replicas}, 1);
  }

  @Test
  void aPartComputesLongEnoughToBeWorthAMessage() {
    assertThat(Sharing.parts(0, 8)).isEqualTo(1);
    assertThat(Sharing.parts(599e-6, 8)).isEqualTo(1);
    assertThat(Sharing.parts(601e-6, 8)).isEqualTo(2);
    assertThat(Sharing.parts(1, 8)).isEqualTo(8);
    assertThat(Sharing.parts(1, 1)).isEqualTo(1);
  }

  @Test
  void expertsOfAStepAreDividedAmongReplicas() {
    for (int replicas : new int[]{2, 4}) {
      BatchOutcome outcome = new StepSimulation(oneGroup(SLOW_READING, everywhere(), replicas), Samples.WORKLOAD, 1)
          .batch(1);
      // 4 * 204 us are two parts, with four replicas too: 100 + 10 at the gateway, 5 + 5 to send, 50 there,
      // 20 + 2 * 204 at each replica, 50 back, 5 + 5 to take in
      assertThat(outcome.decodeTokensPerSecond()).isCloseTo(1 / 658e-6, EXACT);
    }
  }

  @Test
  void aStateGoesToEachPart() {
    Routing routing = everywhere();
    Groups groups = Groups.equal(4, 1);
    Deployment deployment = Deployment.mesh(SLOW_READING, 1000, routing, groups, new int[]{2}, 1);
    // As without, and 1 us for each of two states at the gateway, of one and two results at each replica, of four
    // results at the gateway.
    double step = 667e-6;
    assertThat(new StepSimulation(deployment, Samples.WORKLOAD, 1).batch(1).decodeTokensPerSecond())
        .isCloseTo(1 / step, EXACT);
    assertThat(new Estimator(SLOW_READING, 1000, routing, groups, new Workload(1, 32)).mesh(1e-3, 1, new int[]{2})
        .stepSeconds()).isCloseTo(step, Percentage.withPercentage(0.1));
  }

  @Test
  void manyRowsOfOneExpertAreCut() {
    Workload workload = new Workload(512, 2);
    BatchOutcome two = new StepSimulation(oneGroup(Samples.COSTS, Samples.single(), 2), workload, 1).batch(1);
    // 100 + 5120 at the gateway, 5 + 5 to send, 50 there, 20 + 30 + 256 * 4 at each replica, 50 back, 5 + 5 to take in
    assertThat(two.prefillTokensPerSecond()).isCloseTo(512 / 6414e-6, EXACT);
    // A row takes 34 us: nothing to share.
    assertThat(two.decodeTokensPerSecond()).isCloseTo(1 / 274e-6, EXACT);
    // Fair shares of twenty replicas have 26 rows, too few to read the weights twice.
    BatchOutcome twenty = new StepSimulation(oneGroup(Samples.COSTS, Samples.single(), 20), workload, 1).batch(1);
    assertThat(twenty.prefillTokensPerSecond()).isCloseTo(512 / 7428e-6, EXACT);
  }

  @Test
  void noRowIsLost() {
    Routing routing = Samples.routing("zipf:1.3");
    for (int groups : new int[]{1, 3, 8}) {
      for (int cores : new int[]{0, 2}) {
        Deployment deployment = Samples.mesh(routing, groups, 3, 3)
            .with(new Costs(0, 1e-6, 1e-6, 1e-6, 1e-6, 0, 200e-6, 20e-6, 1e-6, 0)).onCores(cores);
        BatchOutcome outcome = new StepSimulation(deployment, Samples.WORKLOAD, 5).batch(150);
        assertThat(outcome.tokens()).isEqualTo(150L * 32);
        assertThat(outcome.expertRows()).isEqualTo(150L * Samples.WORKLOAD.rows() * 2 * 2);
      }
    }
  }

  @Test
  void theFormulasShareToo() {
    Workload workload = new Workload(1, 32);
    Routing routing = everywhere();
    Estimator estimator = new Estimator(SLOW_READING, 0, routing, Groups.equal(4, 1), workload);
    assertThat(estimator.mesh(1e-3, 1, new int[]{2}).stepSeconds()).isCloseTo(658e-6, Percentage.withPercentage(0.1));
    // A step of one row: 2 * 20 us for messages, 4 * 204 for experts.
    assertThat(estimator.mesh(1, 1, new int[]{2}).busyReplicas()[0]).isCloseTo(32 * 856e-6,
        Percentage.withPercentage(5));
  }

  @Test
  void theFormulasAgreeWithTheEvents() {
    Routing routing = Samples.routing("zipf:1.1");
    Groups groups = Groups.equal(routing.experts(), 2);
    for (int stateBytes : new int[]{0, 10_000}) {
      for (int replicas : new int[]{1, 2, 4}) {
        int[] pods = {replicas, replicas};
        double load = 20.0 * replicas;
        var estimate = new Estimator(SLOW_READING, stateBytes, routing, groups, Samples.WORKLOAD).mesh(load, 4, pods);
        Deployment deployment = Deployment.mesh(SLOW_READING, stateBytes, routing, groups, pods, 4);
        Outcome outcome = new StepSimulation(deployment, Samples.WORKLOAD, 4).run(load, estimate.running(), 1, 6);
        assertThat(estimate.saturated()).isFalse();
        assertThat(outcome.timePerToken().mean()).isCloseTo(estimate.stepSeconds(), Percentage.withPercentage(25));
      }
    }
  }
}
