package io.expertmesh.simulator.study;

import io.expertmesh.simulator.events.Distribution;
import io.expertmesh.simulator.placement.GreedyReplicas;
import io.expertmesh.simulator.scaling.Planner;
import io.expertmesh.simulator.scaling.Timeline;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * A scenario, simulated.
 *
 * @param groups expert groups over the load
 * @param workers whole workers over the load
 * @param groupMoments moments of it, by events
 * @param workerMoments the same of whole workers
 * @param comparison what steady loads ask for
 * @param events that were simulated
 */
public record Study(Scenario scenario, Timeline groups, Timeline workers, List<Moment> groupMoments,
    List<Moment> workerMoments, Comparison comparison, long events) {
  private static final int MOMENTS = 12;

  /** Who hears how far it is. */
  @FunctionalInterface
  public interface Listener {
    /** Called from any thread. */
    void update(String task, long done, long total);
  }

  public Study {
    groupMoments = List.copyOf(groupMoments);
    workerMoments = List.copyOf(workerMoments);
  }

  public static Study of(Scenario scenario, Listener listener) {
    listener.update("scaling", 0, 3);
    Planner planner = scenario.planner();
    double first = scenario.load().at(0);
    Timeline groups = Timeline.mesh(scenario.load(), planner, scenario.gatewayRule(), scenario.groupRules(),
        start(scenario, planner, first));
    listener.update("scaling", 1, 3);
    Timeline workers = Timeline.workers(scenario.load(), planner, scenario.workerRule(), planner.wholeWorkers(first));
    listener.update("scaling", 2, 3);
    Comparison comparison = Comparison.of(scenario);
    listener.update("scaling", 3, 3);
    int[] times = moments(groups, scenario);
    List<Moment> groupMoments = simulate("events, expert groups", times, listener, i -> {
      Timeline.Point point = groups.points().get(times[i]);
      return moment(scenario, point, point.replicas().length, i);
    });
    List<Moment> workerMoments = simulate("events, whole workers", times, listener, i -> {
      Timeline.Point point = workers.points().get(times[i]);
      return moment(scenario, point, 0, i);
    });
    long events = 0;
    for (List<Moment> moments : List.of(groupMoments, workerMoments)) {
      for (Moment moment : moments) {
        events += moment.outcome().events();
      }
    }
    return new Study(scenario, groups, workers, groupMoments, workerMoments, comparison, events);
  }

  private static Planner.Plan start(Scenario scenario, Planner planner, double load) {
    Planner.Plan plan = planner.groups(load);
    int[] fixed = scenario.replicas();
    return fixed == null ? plan : planner.plan(plan.gateways(), fixed, plan.estimate(), load);
  }

  /** Divides {@code total} replicas among the groups by what each has to do. */
  public static int[] greedy(Scenario scenario, int total) {
    Planner planner = scenario.planner();
    double[] load = planner.groups(Math.max(1e-3, scenario.load().peak())).estimate().busyReplicas();
    return GreedyReplicas.of(load, total);
  }

  /** Where nothing changes over time, one moment says it all. */
  private static int[] moments(Timeline groups, Scenario scenario) {
    int points = groups.points().size();
    boolean steady = scenario.load().peak() <= scenario.load().mean() * (1 + 1e-9);
    if (steady) {
      return new int[]{points - 1};
    }
    int count = Math.min(MOMENTS, points);
    int[] times = new int[count];
    for (int i = 0; i < count; i++) {
      times[i] = (int) ((i + 0.5) * points / count);
    }
    return times;
  }

  private static Moment moment(Scenario scenario, Timeline.Point point, int groups, int index) {
    return Moment.of(point.time(),
        groups == 0 ? scenario.workers(point.gateways()) : scenario.mesh(point.gateways(), point.replicas()),
        scenario.workload(), point.estimate(), point.backlog() / Math.max(1e-9, point.served()), scenario.window(),
        scenario.seed() + index);
  }

  private static List<Moment> simulate(String task, int[] times, Listener listener, IntFunction<Moment> moment) {
    List<Moment> moments = new ArrayList<>();
    listener.update(task, 0, times.length);
    Moment[] simulated = new Moment[times.length];
    IntStream.range(0, times.length).parallel().forEach(i -> {
      simulated[i] = moment.apply(i);
    });
    moments.addAll(Arrays.asList(simulated));
    listener.update(task, times.length, times.length);
    return moments;
  }

  /** Pods at the moment when there are most, of expert groups with their gateways. */
  public int mostPods() {
    return groups.points().stream().mapToInt(Timeline.Point::pods).max().orElse(0);
  }

  /** Time between two tokens of a request, over all moments alike. */
  public static Distribution timePerToken(List<Moment> moments) {
    Distribution all = new Distribution();
    moments.forEach(moment -> all.add(moment.outcome().timePerToken()));
    return all;
  }

  /** Time to the first token, without what requests wait for pods. */
  public static Distribution timeToFirstToken(List<Moment> moments) {
    Distribution all = new Distribution();
    moments.forEach(moment -> all.add(moment.outcome().timeToFirstToken()));
    return all;
  }
}
