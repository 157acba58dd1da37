package io.expertmesh.cli.simulate;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.ModelShape;
import io.expertmesh.simulator.events.Distribution;
import io.expertmesh.simulator.events.Outcome;
import io.expertmesh.simulator.scaling.Planner;
import io.expertmesh.simulator.scaling.Timeline;
import io.expertmesh.simulator.study.Comparison;
import io.expertmesh.simulator.study.Moment;
import io.expertmesh.simulator.study.Scenario;
import io.expertmesh.simulator.study.Study;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code --json} prints. Times are seconds if their name says nothing else.
 *
 * @param groups by group, in the order of {@code --groups}
 */
public record StudyReport(ModelShape model, String routing, long seed, Costs costs, Costs workerCosts,
    List<Group> groups, Side mesh, Side wholeWorkers, List<Pays> bySkew, List<Pays> byLoad,
    List<Pays> byMemoryPrice, long events) {

  /**
   * @param busy the part of its time that a replica computed at the last moment that was simulated
   */
  public record Group(String experts, int leastReplicas, int mostReplicas, double busy) {}

  /** Expert groups with gateways, or whole workers. */
  public record Side(Latency timePerToken, Latency timeToFirstToken, double longestWaitForPods, double requests,
      double served, int leastPods, int mostPods, double podSeconds, double coreHours, double gibHours, double cost,
      double perMillionTokens, double imbalance, List<AtMoment> moments) {}

  /** In milliseconds. */
  public record Latency(double p50Millis, double p95Millis, double p99Millis, long samples) {
    static Latency of(Distribution times) {
      return new Latency(1e3 * times.quantile(0.5), 1e3 * times.quantile(0.95), 1e3 * times.quantile(0.99),
          times.count());
    }
  }

  /**
   * A moment that was simulated by events.
   *
   * @param estimatedTokenMillis what the formulas say, by which pods are scaled
   */
  public record AtMoment(double time, double requestsPerSecond, double tokensPerSecond, double window, double meanRows,
      double estimatedRows, double meanTokenMillis, double estimatedTokenMillis, double queueWaitMillis,
      double imbalance, long messages, Latency timePerToken, Latency timeToFirstToken) {}

  /**
   * A steady load and the pods that it asks for.
   *
   * @param x the exponent of Zipf's law, requests a second, or what a GiB costs for an hour
   */
  public record Pays(double x, double imbalance, Pods groups, Pods equalGroups, Pods wholeWorkers) {
    static Pays of(Comparison.Row row) {
      return new Pays(row.x(), row.imbalance(), Pods.of(row.groups()), Pods.of(row.equalGroups()),
          Pods.of(row.wholeWorkers()));
    }
  }

  /** A plan. */
  public record Pods(int gateways, int pods, double cores, double gib, double perHour, double perMillionTokens,
      double tokenMillis) {
    static Pods of(Planner.Plan plan) {
      return new Pods(plan.gateways(), plan.pods(), plan.cores(), plan.gib(), plan.perHour(), plan.perMillionTokens(),
          1e3 * plan.estimate().stepSeconds());
    }
  }

  public static StudyReport of(Study study) {
    Scenario scenario = study.scenario();
    return new StudyReport(scenario.model(), scenario.routing().name(), scenario.seed(), scenario.costs(),
        scenario.workerCosts(), groups(study), side(study.groups(), study.groupMoments()),
        side(study.workers(), study.workerMoments()),
        study.comparison().bySkew().stream().map(Pays::of).toList(),
        study.comparison().byLoad().stream().map(Pays::of).toList(),
        study.comparison().byMemoryPrice().stream().map(Pays::of).toList(), study.events());
  }

  private static List<Group> groups(Study study) {
    List<Group> groups = new ArrayList<>();
    Outcome last = study.groupMoments().getLast().outcome();
    for (int group = 0; group < study.scenario().groups().count(); group++) {
      int least = Integer.MAX_VALUE;
      int most = 0;
      for (Timeline.Point point : study.groups().points()) {
        least = Math.min(least, point.replicas()[group]);
        most = Math.max(most, point.replicas()[group]);
      }
      groups.add(new Group(study.scenario().groups().label(group), least, most, last.groupBusy()[group]));
    }
    return groups;
  }

  private static Side side(Timeline timeline, List<Moment> moments) {
    double imbalance = 0;
    List<AtMoment> all = new ArrayList<>();
    for (Moment moment : moments) {
      Outcome outcome = moment.outcome();
      imbalance += outcome.imbalance() / moments.size();
      all.add(new AtMoment(moment.time(), moment.requestsPerSecond(), outcome.tokensPerSecond(), outcome.seconds(),
          outcome.meanRows(), moment.estimate().rows(), 1e3 * outcome.timePerToken().mean(),
          1e3 * moment.estimate().stepSeconds(), 1e3 * outcome.queueWait(), outcome.imbalance(), outcome.messages(),
          Latency.of(outcome.timePerToken()), Latency.of(outcome.timeToFirstToken())));
    }
    return new Side(Latency.of(Study.timePerToken(moments)), Latency.of(Study.timeToFirstToken(moments)),
        timeline.longestWait(), timeline.requests(), timeline.served(),
        timeline.points().stream().mapToInt(Timeline.Point::pods).min().orElse(0),
        timeline.points().stream().mapToInt(Timeline.Point::pods).max().orElse(0), timeline.podSeconds(),
        timeline.coreHours(), timeline.gibHours(), timeline.cost(), timeline.perMillionTokens(), imbalance, all);
  }
}
