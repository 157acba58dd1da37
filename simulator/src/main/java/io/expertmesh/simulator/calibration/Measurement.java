package io.expertmesh.simulator.calibration;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.events.BatchOutcome;
import io.expertmesh.simulator.events.StepSimulation;

/**
 * A batch of requests that came together, measured on a real cluster.
 *
 * @param deployment what it ran on; its costs are of no meaning
 * @param prefillTokensPerSecond all prompt tokens over the time until every request has its first token
 * @param decodeTokensPerSecond tokens after that moment over the time until the last of them
 */
public record Measurement(Deployment deployment, Workload workload, int batch, double prefillTokensPerSecond,
    double decodeTokensPerSecond) {
  /** What the simulator says to it. */
  public BatchOutcome predicted(Costs costs) {
    return new StepSimulation(deployment.with(costs), workload, 1).batch(batch);
  }
}
