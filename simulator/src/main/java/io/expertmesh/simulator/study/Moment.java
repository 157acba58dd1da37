package io.expertmesh.simulator.study;

import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.estimate.Estimate;
import io.expertmesh.simulator.events.Outcome;
import io.expertmesh.simulator.events.StepSimulation;

/**
 * A moment of the load, simulated event by event with the pods that are ready then.
 *
 * @param time seconds from the beginning
 * @param requestsPerSecond that are served
 * @param backlogSeconds that a request waits for pods before it gets to a gateway
 * @param estimate what the formulas say
 */
public record Moment(double time, double requestsPerSecond, double backlogSeconds, Estimate estimate,
    Outcome outcome) {
  /** Messages of a simulation where the window is not given: a few seconds of computing. */
  private static final double MESSAGES = 4e6;
  private static final double MOST_SECONDS = 60;
  private static final int LEAST_STEPS = 40;

  static Moment of(double time, Deployment deployment, Workload workload, Estimate estimate, double backlogSeconds,
      double window, long seed) {
    double seconds = window > 0 ? window : window(deployment, estimate, MESSAGES);
    double warmUp = Math.max(seconds / 4, 5 * estimate.stepSeconds());
    Outcome outcome = new StepSimulation(deployment, workload, seed)
        .run(estimate.servedPerSecond(), estimate.running(), warmUp, seconds);
    return new Moment(time, estimate.servedPerSecond(), backlogSeconds, estimate, outcome);
  }

  private static double window(Deployment deployment, Estimate estimate, double messages) {
    double perStep = deployment.local()
        ? 10
        : deployment.routing().layers() * Math.min(deployment.groups().count(),
            estimate.rows() * deployment.routing().topK());
    double perSecond = deployment.gateways() * perStep / estimate.stepSeconds();
    return Math.clamp(messages / perSecond, Math.min(MOST_SECONDS, LEAST_STEPS * estimate.stepSeconds()),
        MOST_SECONDS);
  }
}
