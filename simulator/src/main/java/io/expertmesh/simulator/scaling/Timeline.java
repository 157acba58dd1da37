package io.expertmesh.simulator.scaling;

import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.estimate.Estimate;
import io.expertmesh.simulator.estimate.Estimator;
import io.expertmesh.simulator.load.LoadCurve;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A load over time and the pods that follow it, in steps of {@link ScalingRule#PERIOD}. Within a step the cluster is in
 * the steady state of the pods that are ready; what they cannot serve waits.
 *
 * @param points one for each step
 * @param requests that came
 * @param served of them
 * @param podSeconds of all pods, those that start included
 * @param coreHours of all pods
 * @param gibHours of all pods
 * @param cost of all pods
 * @param perMillionTokens what a million generated tokens cost
 * @param longestWait seconds that requests waited for pods at the worst moment
 */
public record Timeline(List<Point> points, double requests, double served, double podSeconds, double coreHours,
    double gibHours, double cost, double perMillionTokens, double longestWait) {
  /**
   * A moment.
   *
   * @param offered requests a second that come
   * @param served requests a second
   * @param backlog requests that wait for pods
   * @param gateways that are ready, or workers
   * @param replicas that are ready, by group; of whole workers empty
   * @param pods all that there are
   * @param perHour what they cost
   */
  public record Point(double time, double offered, double served, double backlog, int gateways, int[] replicas,
      int pods, double perHour, Estimate estimate) {}

  public Timeline {
    points = List.copyOf(points);
  }

  /**
   * Expert groups.
   *
   * @param gateways the rule for gateways, by the requests in them
   * @param groups by group: the rule for its replicas
   * @param start pods at the beginning
   */
  public static Timeline mesh(LoadCurve curve, Planner planner, ScalingRule gateways, ScalingRule[] groups,
      Planner.Plan start) {
    return new Run(curve, planner, planner.mesh(), gateways, groups, start).timeline();
  }

  /** Whole workers, by the requests in them. */
  public static Timeline workers(LoadCurve curve, Planner planner, ScalingRule workers, Planner.Plan start) {
    return new Run(curve, planner, planner.workers(), workers, new ScalingRule[0], start).timeline();
  }

  private static final class Run {
    private final LoadCurve curve;
    private final Planner planner;
    private final Estimator estimator;
    private final Workload workload;
    private final ScaledSet entrances;
    private final ScaledSet[] groups;
    private final List<Point> points = new ArrayList<>();
    private double backlog;

    Run(LoadCurve curve, Planner planner, Estimator estimator, ScalingRule entrances, ScalingRule[] groups,
        Planner.Plan start) {
      this.curve = curve;
      this.planner = planner;
      this.estimator = estimator;
      this.workload = planner.workload();
      this.entrances = new ScaledSet(entrances, start.gateways());
      this.groups = new ScaledSet[groups.length];
      for (int group = 0; group < groups.length; group++) {
        this.groups[group] = new ScaledSet(groups[group], start.replicas()[group]);
      }
    }

    Timeline timeline() {
      double requests = 0;
      double served = 0;
      double[] totals = new double[4];
      double longestWait = 0;
      for (double time = 0; time < curve.seconds(); time += ScalingRule.PERIOD) {
        double seconds = Math.min(ScalingRule.PERIOD, curve.seconds() - time);
        double offered = curve.at(time + seconds / 2);
        Point point = point(time, offered, seconds);
        points.add(point);
        requests += offered * seconds;
        served += point.served() * seconds;
        longestWait = Math.max(longestWait, point.backlog() / Math.max(1e-9, point.served()));
        Planner.Plan pods = paid(point.estimate(), offered);
        totals[0] += pods.pods() * seconds;
        totals[1] += pods.cores() * seconds / 3600;
        totals[2] += pods.gib() * seconds / 3600;
        totals[3] += pods.perHour() * seconds / 3600;
        look(time, point);
      }
      double tokens = served * workload.generatedTokens();
      return new Timeline(points, requests, served, totals[0], totals[1], totals[2], totals[3],
          tokens == 0 ? 0 : totals[3] * 1e6 / tokens, longestWait);
    }

    private Point point(double time, double offered, double seconds) {
      int ready = entrances.ready(time);
      int[] replicas = new int[groups.length];
      for (int group = 0; group < replicas.length; group++) {
        replicas[group] = groups[group].ready(time);
      }
      double wanted = offered + backlog / seconds;
      Estimate estimate = groups.length == 0
          ? estimator.workers(wanted, ready)
          : estimator.mesh(wanted, ready, replicas);
      double served = estimate.servedPerSecond();
      backlog = Math.max(0, (wanted - served) * seconds);
      Planner.Plan paid = paid(estimate, offered);
      return new Point(time, offered, served, backlog, ready, replicas, paid.pods(), paid.perHour(), estimate);
    }

    private Planner.Plan paid(Estimate estimate, double offered) {
      int[] all = Arrays.stream(groups).mapToInt(ScaledSet::replicas).toArray();
      return planner.plan(entrances.replicas(), all, estimate, offered);
    }

    /** Nobody can be busier than all the time, so a load that is far too much is met in several steps. */
    private void look(double time, Point point) {
      double fill = point.estimate().running() / planner.running();
      entrances.look(time + ScalingRule.PERIOD, point.gateways() * Math.min(1, fill));
      for (int group = 0; group < groups.length; group++) {
        groups[group].look(time + ScalingRule.PERIOD,
            Math.min(point.replicas()[group], point.estimate().busyReplicas()[group]));
      }
    }
  }
}
