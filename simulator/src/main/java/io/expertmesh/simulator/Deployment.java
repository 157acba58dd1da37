package io.expertmesh.simulator;

import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import java.util.Arrays;

/**
 * What runs.
 *
 * @param stateBytes of one token's state on the network
 * @param groups that the experts are in; with {@code local} of no meaning
 * @param replicas of each group
 * @param gateways that compute attention and gate and take requests in turn
 * @param local whether each gateway has all experts itself: a whole worker
 * @param sharedCores cores of the one machine that all processes run on; 0 if each has its own
 */
public record Deployment(Costs costs, int stateBytes, Batching batching, Routing routing, Groups groups,
    int[] replicas, int gateways, boolean local, int sharedCores) {
  /** Expert groups behind gateways, each pod with cores of its own. */
  public static Deployment mesh(Costs costs, int stateBytes, Routing routing, Groups groups, int[] replicas,
      int gateways) {
    return new Deployment(costs, stateBytes, Batching.ENGINE, routing, groups, replicas, gateways, false, 0);
  }

  /** Copies of the whole model, each with cores of its own. */
  public static Deployment workers(Costs costs, Routing routing, int workers) {
    return new Deployment(costs, 0, Batching.ENGINE, routing, Groups.equal(routing.experts(), 1), new int[]{0}, workers,
        true, 0);
  }

  /** The same on one machine of so many cores. */
  public Deployment onCores(int cores) {
    return new Deployment(costs, stateBytes, batching, routing, groups, replicas, gateways, local, cores);
  }

  /** The same at other costs. */
  public Deployment with(Costs other) {
    return new Deployment(other, stateBytes, batching, routing, groups, replicas, gateways, local, sharedCores);
  }

  /** Pods that hold experts and no gateway. */
  public int expertPods() {
    return local ? 0 : Arrays.stream(replicas).sum();
  }
}
