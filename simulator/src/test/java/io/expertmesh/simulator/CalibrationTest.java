package io.expertmesh.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.simulator.calibration.Calibration;
import io.expertmesh.simulator.calibration.Measurement;
import io.expertmesh.simulator.events.BatchOutcome;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class CalibrationTest {
  /** As {@link Samples#COSTS}, but a byte of a message costs five times as much. */
  private static final Costs TRUE = new Costs(100e-6, 10e-6, 5e-6, 5e-6, 20e-6, 5e-9, 30e-6, 4e-6, 50e-6, 0);

  private static Deployment mesh(Routing routing, int... replicas) {
    return Deployment.mesh(Samples.COSTS, 4000, routing, Groups.equal(routing.experts(), replicas.length), replicas, 1);
  }

  @Test
  void whatAByteCostsIsFoundFromSpeeds() {
    Routing routing = Samples.routing("uniform");
    List<Deployment> deployments = List.of(Deployment.workers(Samples.COSTS, routing, 1), mesh(routing, 1),
        mesh(routing, 1, 1, 1, 1));
    List<Measurement> measured = new ArrayList<>();
    for (Deployment deployment : deployments) {
      for (int batch : new int[]{1, 16}) {
        BatchOutcome outcome = new Measurement(deployment, Samples.WORKLOAD, batch, 1, 1).predicted(TRUE);
        measured.add(new Measurement(deployment, Samples.WORKLOAD, batch, outcome.prefillTokensPerSecond(),
            outcome.decodeTokensPerSecond()));
      }
    }
    Costs costs = Calibration.fit(Samples.COSTS, measured);
    assertThat(costs.messageByte()).isCloseTo(TRUE.messageByte(), Percentage.withPercentage(10));
    for (Measurement measurement : measured) {
      BatchOutcome predicted = measurement.predicted(costs);
      assertThat(predicted.decodeTokensPerSecond()).isCloseTo(measurement.decodeTokensPerSecond(),
          Percentage.withPercentage(5));
      assertThat(predicted.prefillTokensPerSecond()).isCloseTo(measurement.prefillTokensPerSecond(),
          Percentage.withPercentage(5));
    }
  }
}
