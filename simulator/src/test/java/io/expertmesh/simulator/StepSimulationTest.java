package io.expertmesh.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.expertmesh.simulator.estimate.Estimate;
import io.expertmesh.simulator.estimate.Estimator;
import io.expertmesh.simulator.events.BatchOutcome;
import io.expertmesh.simulator.events.Outcome;
import io.expertmesh.simulator.events.StepSimulation;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class StepSimulationTest {
  @Test
  void oneRequestTakesTheSumOfItsParts() {
    BatchOutcome outcome = new StepSimulation(Samples.mesh(Samples.single(), 1, 1, 1), Samples.WORKLOAD, 1).batch(1);
    // a row: 100 + 10 at the gateway, 5 to send, 50 there, 20 + 30 + 4 at the expert, 50 back, 5 to take in
    double step = 274e-6;
    assertThat(outcome.decodeTokensPerSecond()).isCloseTo(1 / step, Percentage.withPercentage(1e-6));
    // 16 rows in one step
    assertThat(outcome.prefillTokensPerSecond()).isCloseTo(16 / (step + 15 * 14e-6), Percentage.withPercentage(1e-6));
    assertThat(outcome.tokens()).isEqualTo(32);
    assertThat(outcome.expertRows()).isEqualTo(Samples.WORKLOAD.rows());
  }

  @Test
  void everyByteOfAMessageIsWrittenAndRead() {
    Deployment deployment = Deployment.mesh(Samples.COSTS, 1000, Samples.single(), Groups.equal(1, 1), new int[]{1},
        1);
    BatchOutcome outcome = new StepSimulation(deployment, Samples.WORKLOAD, 1).batch(1);
    // As without, and 1 us each: the gateway writes a state, the expert reads it and writes a result, the gateway reads it.
    double step = 278e-6;
    assertThat(outcome.decodeTokensPerSecond()).isCloseTo(1 / step, Percentage.withPercentage(1e-6));
    assertThat(outcome.prefillTokensPerSecond()).isCloseTo(16 / (step + 15 * 18e-6), Percentage.withPercentage(1e-6));
    Estimator estimator = new Estimator(Samples.COSTS, 1000, Samples.single(), deployment.groups(),
        new Workload(1, 32));
    assertThat(estimator.mesh(1e-3, 1, new int[]{1}).stepSeconds()).isCloseTo(step, Percentage.withPercentage(0.1));
    // 56 us of the expert's for each row
    assertThat(estimator.mesh(1, 1, new int[]{1}).busyReplicas()[0]).isCloseTo(32 * 56e-6,
        Percentage.withPercentage(1));
  }

  @Test
  void aWholeWorkerSendsNothing() {
    Deployment worker = Deployment.workers(Samples.COSTS, Samples.single(), 1);
    double step = (100 + 10 + 30 + 4) * 1e-6;
    assertThat(new StepSimulation(worker, Samples.WORKLOAD, 1).batch(1).decodeTokensPerSecond())
        .isCloseTo(1 / step, Percentage.withPercentage(1e-6));
  }

  @Test
  void noTokenAndNoRowIsLost() {
    Routing routing = Samples.routing("zipf:1.3");
    for (int groups : new int[]{1, 3, 8}) {
      for (int cores : new int[]{0, 1, 2}) {
        BatchOutcome outcome = new StepSimulation(Samples.mesh(routing, groups, 2, 3).onCores(cores), Samples.WORKLOAD,
            5)
            .batch(150);
        assertThat(outcome.tokens()).isEqualTo(150L * 32);
        assertThat(outcome.expertRows()).isEqualTo(150L * Samples.WORKLOAD.rows() * 2 * 2);
      }
    }
  }

  @Test
  void oneSharedCoreDoesAllTheWorkInTurn() {
    BatchOutcome outcome = new StepSimulation(Samples.mesh(Samples.single(), 1, 1, 2).onCores(1), Samples.WORKLOAD, 1)
        .batch(2);
    // Two gateways with a request each: 174 us of a core for a row of each, less what is saved when both batches merge.
    assertThat(outcome.decodeTokensPerSecond()).isBetween(1 / 174e-6, 1.25 / 174e-6);
    BatchOutcome alone = new StepSimulation(Samples.mesh(Samples.single(), 1, 1, 2), Samples.WORKLOAD, 1).batch(2);
    assertThat(alone.decodeTokensPerSecond()).isGreaterThan(1.2 * outcome.decodeTokensPerSecond());
  }

  @Test
  void answersOfTheLastLayerTakeACoreToo() {
    Deployment deployment = Samples.mesh(Samples.single(), 1, 1, 2).with(new Costs(0, 0, 0, 100e-6, 0, 0, 0, 0, 0, 0));
    assertThat(new StepSimulation(deployment.onCores(1), Samples.WORKLOAD, 1).batch(2).decodeTokensPerSecond())
        .isCloseTo(1 / 100e-6, Percentage.withPercentage(1e-6));
    assertThat(new StepSimulation(deployment, Samples.WORKLOAD, 1).batch(2).decodeTokensPerSecond())
        .isCloseTo(2 / 100e-6, Percentage.withPercentage(1e-6));
  }

  @Test
  void oneAtATimeIsAQueueWithRandomArrivalsAndOneServiceTime() {
    Costs costs = new Costs(200e-6, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    Deployment worker = new Deployment(costs, 0, new Batching(1, 512, 64), Samples.single(), Groups.equal(1, 1),
        new int[]{0}, 1, true, 0);
    for (double busy : new double[]{0.3, 0.6, 0.8}) {
      Outcome outcome = new StepSimulation(worker, new Workload(1, 1), 3).run(busy / 200e-6, 0, 5, 200);
      double wait = 200e-6 * busy / (2 * (1 - busy));
      assertThat(outcome.timeToFirstToken().mean()).isCloseTo(200e-6 + wait, Percentage.withPercentage(3));
      assertThat(outcome.tokensPerSecond()).isCloseTo(busy / 200e-6, Percentage.withPercentage(1));
    }
  }

  @Test
  void messagesThatWaitTogetherReadTheWeightsOnce() {
    Costs costs = new Costs(0, 0, 0, 0, 0, 0, 200e-6, 0, 0, 0);
    Deployment deployment = Deployment.mesh(costs, 0, Samples.single(), Groups.equal(1, 1), new int[]{1}, 400);
    Outcome outcome = new StepSimulation(deployment, new Workload(1, 1), 3).run(4000, 0, 1, 20);
    // 0.8 of its time without merging
    assertThat(outcome.groupBusy()[0]).isLessThan(0.7);
    assertThat(outcome.batches()).isLessThan(outcome.messages());
    assertThat(outcome.queueWait()).isLessThan(200e-6);
    Deployment rows = deployment.with(new Costs(0, 0, 0, 0, 0, 0, 0, 200e-6, 0, 0));
    assertThat(new StepSimulation(rows, new Workload(1, 1), 3).run(4000, 0, 1, 20).groupBusy()[0])
        .isCloseTo(0.8, within(0.01));
  }

  @Test
  void busyTimeIsArrivalsTimesService() {
    Routing routing = Samples.routing("zipf:0.8");
    Deployment deployment = Samples.mesh(routing, 4, 2, 4);
    Outcome outcome = new StepSimulation(deployment, Samples.WORKLOAD, 2).run(200, 2, 0.5, 4);
    double busy = 0;
    for (double group : outcome.groupBusy()) {
      busy += 2 * group;
    }
    double rows = 4e-6 * outcome.expertRows() / outcome.seconds();
    double messages = 20e-6 * outcome.messages() / outcome.seconds();
    double reads = busy - rows - messages;
    // Each batch reads at least one and at most both experts of its group.
    assertThat(reads).isBetween(0.98 * 30e-6 * outcome.batches() / outcome.seconds(),
        1.02 * 60e-6 * outcome.batches() / outcome.seconds());
  }

  @Test
  void withoutSkewGroupsAreAlike() {
    Outcome outcome = new StepSimulation(Samples.mesh(Samples.routing("uniform"), 4, 1, 2), Samples.WORKLOAD, 2)
        .run(100, 2, 0.5, 10);
    assertThat(outcome.imbalance()).isBetween(1.0, 1.03);
    Outcome skewed = new StepSimulation(Samples.mesh(Samples.routing("zipf:2"), 4, 1, 2), Samples.WORKLOAD, 2)
        .run(100, 2, 0.5, 10);
    assertThat(skewed.imbalance()).isGreaterThan(1.3);
  }

  @Test
  void theSameSeedGivesTheSameNumbers() {
    Deployment deployment = Samples.mesh(Samples.routing("domains:0.6,0.4:1.2"), 4, 2, 3);
    Outcome first = new StepSimulation(deployment, Samples.WORKLOAD, 9).run(150, 3, 0.2, 2);
    Outcome second = new StepSimulation(deployment, Samples.WORKLOAD, 9).run(150, 3, 0.2, 2);
    Outcome other = new StepSimulation(deployment, Samples.WORKLOAD, 10).run(150, 3, 0.2, 2);
    assertThat(second.tokens()).isEqualTo(first.tokens());
    assertThat(second.groupBusy()).isEqualTo(first.groupBusy());
    assertThat(second.timePerToken().mean()).isEqualTo(first.timePerToken().mean());
    assertThat(other.groupBusy()).isNotEqualTo(first.groupBusy());
  }

  @Test
  void theFormulasAgreeWithTheEvents() {
    Routing routing = Samples.routing("zipf:1.1");
    for (double load : new double[]{50, 200, 400}) {
      Deployment deployment = Samples.mesh(routing, 4, 2, 4);
      Estimate estimate = new Estimator(Samples.COSTS, 0, routing, deployment.groups(), Samples.WORKLOAD)
          .mesh(load, 4, deployment.replicas());
      Outcome outcome = new StepSimulation(deployment, Samples.WORKLOAD, 4).run(load, estimate.running(), 1, 6);
      assertThat(estimate.saturated()).isFalse();
      assertThat(outcome.tokensPerSecond()).isCloseTo(load * 32, Percentage.withPercentage(5));
      assertThat(outcome.timePerToken().mean()).isCloseTo(estimate.stepSeconds(), Percentage.withPercentage(20));
      // The formulas leave out what merging saves, so they ask for rather too much than too little.
      for (int group = 0; group < 4; group++) {
        double busy = 2 * outcome.groupBusy()[group];
        assertThat(estimate.busyReplicas()[group]).isBetween(0.95 * busy, 1.4 * busy);
      }
    }
  }
}
