package io.expertmesh.simulator.events;

/**
 * What happened in the window of a simulation.
 *
 * @param seconds its length
 * @param tokens that were generated in it
 * @param firstTokens requests that got their first token in it
 * @param timePerToken between two tokens of a request
 * @param timeToFirstToken from a request's arrival
 * @param groupBusy by group: the share of its time that a replica computed, on average
 * @param steps that gateways finished in it
 * @param meanRows of a step
 * @param messages to experts in it
 * @param batches that experts computed in it
 * @param expertRows that they computed in it
 * @param queueWait of a message before an expert process took it up, on average, in seconds
 * @param waiting requests that no gateway has begun with, at the end
 * @param events of the whole simulation
 */
public record Outcome(double seconds, long tokens, long firstTokens, Distribution timePerToken,
    Distribution timeToFirstToken, double[] groupBusy, long steps, double meanRows, long messages, long batches,
    long expertRows, double queueWait, int waiting, long events) {
  public double tokensPerSecond() {
    return seconds == 0 ? 0 : tokens / seconds;
  }

  /** The busiest group's replica against the mean of all groups; 1 if all are alike. */
  public double imbalance() {
    double most = 0;
    double sum = 0;
    for (double busy : groupBusy) {
      most = Math.max(most, busy);
      sum += busy;
    }
    return sum == 0 ? 1 : most * groupBusy.length / sum;
  }
}
