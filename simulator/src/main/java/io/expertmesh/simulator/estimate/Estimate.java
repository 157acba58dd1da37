package io.expertmesh.simulator.estimate;

import java.util.Arrays;

/**
 * A steady state, on average.
 *
 * @param stepSeconds of a gateway's step, and so between two tokens of a request
 * @param rows of a step
 * @param running requests in a gateway
 * @param busyReplicas by group: how many replicas would compute all the time
 * @param servedPerSecond requests; less than came if it is too much for gateways or experts
 * @param saturated whether it is
 */
public record Estimate(double stepSeconds, double rows, double running, double[] busyReplicas,
    double servedPerSecond, boolean saturated) {
  /** The load of the busiest group against the mean of the groups; 1 if all are alike. */
  public double imbalance() {
    double sum = Arrays.stream(busyReplicas).sum();
    return sum == 0 ? 1 : Arrays.stream(busyReplicas).max().orElse(0) * busyReplicas.length / sum;
  }
}
