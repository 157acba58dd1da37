package io.expertmesh.simulator.scaling;

import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.estimate.Estimate;
import io.expertmesh.simulator.estimate.Estimator;
import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * The pods that a steady load asks for: gateways and workers so many that the requests in each are at most
 * {@code fill} of {@code running}, replicas so many that each computes at most {@code utilization} of its time.
 *
 * @param mesh the formulas of expert groups
 * @param workers those of whole workers
 * @param running requests that a gateway or a worker shall have at most
 * @param fixedGateways 0 for as many as are needed
 */
public record Planner(Estimator mesh, Estimator workers, Workload workload, Fleet fleet, Prices prices,
    double utilization, double fill, int running,
    int fixedGateways) {
  private static final int MOST = 1 << 20;
  private static final int ROUNDS = 12;

  /**
   * @param replicas by group; of whole workers empty
   * @param gateways or workers
   * @param gib memory of all pods
   * @param perHour what all pods cost
   * @param perMillionTokens what a million generated tokens cost
   */
  public record Plan(int gateways, int[] replicas, Estimate estimate, double cores, double gib, double perHour,
      double perMillionTokens) {
    /** All pods. */
    public int pods() {
      return gateways + Arrays.stream(replicas).sum();
    }
  }

  /** The same at other prices. */
  public Planner with(Prices other) {
    return new Planner(mesh, workers, workload, fleet, other, utilization, fill, running, fixedGateways);
  }

  /** Expert groups that scale each by itself. */
  public Plan groups(double requestsPerSecond) {
    return groups(requestsPerSecond, false);
  }

  /** Expert groups of which all have as many replicas as the busiest needs. */
  public Plan equalGroups(double requestsPerSecond) {
    return groups(requestsPerSecond, true);
  }

  private Plan groups(double requestsPerSecond, boolean equal) {
    int[] replicas = new int[fleet.experts().length];
    Arrays.fill(replicas, 1);
    int gateways = Math.max(1, fixedGateways);
    for (int round = 0; round < ROUNDS; round++) {
      int[] held = replicas;
      gateways = fixedGateways > 0
          ? fixedGateways
          : fewest(count -> fits(mesh.mesh(requestsPerSecond, count, plenty(held))));
      int[] next = needed(mesh.mesh(requestsPerSecond, gateways, plenty(held)), equal);
      boolean settled = Arrays.equals(next, replicas);
      replicas = next;
      if (settled) {
        break;
      }
    }
    return plan(gateways, replicas, mesh.mesh(requestsPerSecond, gateways, replicas), requestsPerSecond);
  }

  /** Twice as many, so that what there happens to be does not hide what is needed. */
  private static int[] plenty(int[] replicas) {
    int[] more = new int[replicas.length];
    for (int group = 0; group < more.length; group++) {
      more[group] = 2 * replicas[group];
    }
    return more;
  }

  private int[] needed(Estimate estimate, boolean equal) {
    int[] replicas = new int[estimate.busyReplicas().length];
    int most = 1;
    for (int group = 0; group < replicas.length; group++) {
      replicas[group] = Math.clamp((long) Math.ceil(estimate.busyReplicas()[group] / utilization), 1, MOST);
      most = Math.max(most, replicas[group]);
    }
    if (equal) {
      Arrays.fill(replicas, most);
    }
    return replicas;
  }

  /** Whole workers. */
  public Plan wholeWorkers(double requestsPerSecond) {
    int count = fewest(candidate -> fits(workers.workers(requestsPerSecond, candidate)));
    return plan(count, new int[0], workers.workers(requestsPerSecond, count), requestsPerSecond);
  }

  private boolean fits(Estimate estimate) {
    return !estimate.saturated() && estimate.running() <= fill * running;
  }

  private static int fewest(IntFunction<Boolean> enough) {
    int high = 1;
    while (high < MOST && !enough.apply(high)) {
      high *= 2;
    }
    int low = high / 2;
    while (high - low > 1) {
      int middle = (low + high) / 2;
      if (enough.apply(middle)) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high;
  }

  /** What so many pods cost, whatever they were planned for. */
  public Plan plan(int gateways, int[] replicas, Estimate estimate, double requestsPerSecond) {
    boolean whole = replicas.length == 0;
    Prices.Pod entrance = whole ? fleet.worker() : fleet.gateway();
    double cores = gateways * entrance.cores();
    double gib = gateways * entrance.gib();
    double perHour = gateways * prices.hour(entrance);
    for (int group = 0; group < replicas.length; group++) {
      Prices.Pod pod = fleet.experts()[group];
      cores += replicas[group] * pod.cores();
      gib += replicas[group] * pod.gib();
      perHour += replicas[group] * prices.hour(pod);
    }
    double tokensPerHour = 3600 * Math.min(requestsPerSecond, estimate.servedPerSecond()) * workload.generatedTokens();
    return new Plan(gateways, replicas, estimate, cores, gib, perHour,
        tokensPerHour == 0 ? 0 : perHour * 1e6 / tokensPerHour);
  }
}
