package io.expertmesh.simulator.estimate;

import io.expertmesh.simulator.Batching;
import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;

/**
 * Steady states in closed form. The time of a step follows from its rows, and the rows, by Little's law, from the time
 * of a step: so many requests are in a gateway as come while one is answered. Steps with a part of a prompt are
 * counted apart from those without. A message waits at its replica as in a queue with random arrivals and one service
 * time (M/D/1). Layers are taken as alike.
 */
public final class Estimator {
  private static final int ROUNDS = 200;
  private static final double PRECISE = 1e-5;
  /** Beyond, the formula for queues means nothing; what limits then is that nobody computes more than all the time. */
  private static final double FULL = 0.98;

  private final Costs costs;
  private final int stateBytes;
  private final int layers;
  private final int groups;
  private final Occupancy occupancy;
  private final Batching batching = Batching.ENGINE;
  private final Workload workload;

  /**
   * A gateway's steps.
   *
   * @param running requests in it
   * @param decoding rows of requests that generate, in a step
   * @param withPrompt the part of steps that read a piece of a prompt
   * @param promptRows rows of that piece
   */
  private record Mix(double running, double decoding, double withPrompt, double promptRows) {
    double rowsWithPrompt() {
      return decoding - 1 + promptRows;
    }

    double meanRows() {
      return mean(decoding, rowsWithPrompt());
    }

    /** Of what a step is without and with a piece of a prompt. */
    double mean(double without, double with) {
      return (1 - withPrompt) * without + withPrompt * with;
    }
  }

  /** @param groups for whole workers: one group with all */
  public Estimator(Costs costs, int stateBytes, Routing routing, Groups groups, Workload workload) {
    this.costs = costs;
    this.stateBytes = stateBytes;
    this.layers = routing.layers();
    this.groups = groups.count();
    this.occupancy = new Occupancy(routing, groups);
    this.workload = workload;
  }

  /** Experts in groups behind gateways. */
  public Estimate mesh(double requestsPerSecond, int gateways, int[] replicas) {
    double tokens = requestsPerSecond * workload.generatedTokens() / gateways;
    double seconds = meshStep(mix(0), 1e9, gateways, replicas);
    for (int round = 0; round < ROUNDS; round++) {
      double next = meshStep(mix(tokens * seconds), seconds, gateways, replicas);
      boolean settled = Math.abs(next - seconds) < PRECISE * seconds;
      seconds = (seconds + next) / 2;
      if (settled) {
        break;
      }
    }
    Mix mix = mix(tokens * seconds);
    double stepsPerSecond = gateways * Math.min(1, mix.running()) / seconds;
    double[] busy = new double[groups];
    boolean full = false;
    for (int group = 0; group < groups; group++) {
      busy[group] = stepsPerSecond * layers * meanSeconds(group, mix, replicas[group]);
      full |= busy[group] > FULL * replicas[group];
    }
    return estimate(requestsPerSecond, gateways, mix, seconds, busy, full || tokens * seconds >= batching.maxRunning());
  }

  /** Whole workers. */
  public Estimate workers(double requestsPerSecond, int workers) {
    double tokens = requestsPerSecond * workload.generatedTokens() / workers;
    double seconds = workerStep(mix(0));
    for (int round = 0; round < ROUNDS; round++) {
      double next = workerStep(mix(tokens * seconds));
      boolean settled = Math.abs(next - seconds) < PRECISE * seconds;
      seconds = (seconds + next) / 2;
      if (settled) {
        break;
      }
    }
    Mix mix = mix(tokens * seconds);
    double[] busy = {workers * Math.min(1, mix.running())};
    return estimate(requestsPerSecond, workers, mix, seconds, busy, tokens * seconds >= batching.maxRunning());
  }

  private Estimate estimate(double requestsPerSecond, int gateways, Mix mix, double seconds, double[] busy,
      boolean saturated) {
    double served = saturated
        ? Math.min(requestsPerSecond, gateways * mix.running() / seconds / workload.generatedTokens())
        : requestsPerSecond;
    return new Estimate(seconds, mix.meanRows(), mix.running(), busy, served, saturated);
  }

  /** The steps of a gateway with so many requests, on average; while there are any, at least one. */
  private Mix mix(double requests) {
    double running = Math.min(batching.maxRunning(), requests);
    double decoding = Math.max(1, running);
    double piece = decoding > 1 ? batching.promptRows() : batching.stepRows();
    double pieces = Math.ceil(workload.promptTokens() / piece);
    double withPrompt = Math.min(1, decoding * pieces / workload.generatedTokens());
    return new Mix(running, decoding, withPrompt,
        decoding * workload.promptTokens() / workload.generatedTokens() / withPrompt);
  }

  private GroupWork work(int group, double rows, int replicas) {
    return GroupWork.of(costs, stateBytes, occupancy, group, rows, replicas);
  }

  private double meanSeconds(int group, Mix mix, int replicas) {
    return mix.mean(work(group, mix.decoding(), replicas).seconds(),
        work(group, mix.rowsWithPrompt(), replicas).seconds());
  }

  /** @param seconds of a step, for how many come at the same time */
  private double meshStep(Mix mix, double seconds, int gateways, int[] replicas) {
    double slowest = 0;
    double slowestWithPrompt = 0;
    double messages = 0;
    double bytes = 0;
    double bound = 0;
    double stepsPerSecond = gateways * Math.min(1, mix.running()) / seconds;
    for (int group = 0; group < groups; group++) {
      GroupWork decoding = work(group, mix.decoding(), replicas[group]);
      GroupWork withPrompt = work(group, mix.rowsWithPrompt(), replicas[group]);
      double work = mix.mean(decoding.seconds(), withPrompt.seconds());
      double sent = mix.mean(decoding.sent(), withPrompt.sent());
      if (sent > 0) {
        double busy = Math.min(FULL, stepsPerSecond * layers * work / replicas[group]);
        double wait = work / sent * busy / (2 * (1 - busy));
        slowest = Math.max(slowest, decoding.answerSeconds() + wait);
        slowestWithPrompt = Math.max(slowestWithPrompt, withPrompt.answerSeconds() + wait);
        messages += sent;
        bytes += mix.mean(decoding.bytes(), withPrompt.bytes());
      }
      bound = Math.max(bound, gateways * layers * work / replicas[group]);
    }
    double layer = costs.denseFixed() + mix.meanRows() * costs.denseRow()
        + messages * (costs.gatewaySend() + costs.gatewayReceive()) + bytes * costs.messageByte()
        + mix.mean(slowest, slowestWithPrompt);
    return mix.running() < 1 ? layers * layer : Math.max(layers * layer, bound);
  }

  private double workerStep(Mix mix) {
    return layers * mix.mean(workerLayer(mix.decoding()), workerLayer(mix.rowsWithPrompt()));
  }

  private double workerLayer(double rows) {
    double seconds = costs.denseFixed() + rows * costs.denseRow();
    for (int group = 0; group < groups; group++) {
      seconds += occupancy.experts(group, rows) * costs.expertRead()
          + occupancy.rowShare[group] * rows * costs.expertRow();
    }
    return seconds;
  }
}
