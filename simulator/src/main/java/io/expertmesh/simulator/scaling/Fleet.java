package io.expertmesh.simulator.scaling;

import io.expertmesh.simulator.Batching;
import io.expertmesh.simulator.ModelShape;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.scaling.Prices.Pod;

/**
 * The kinds of pod.
 *
 * @param gateway all weights but the experts', and keys and values
 * @param experts by group
 * @param worker all of the model
 */
public record Fleet(Pod gateway, Pod[] experts, Pod worker) {
  /** Heap and code of a JVM. */
  private static final double PROCESS = 300L << 20;

  public static Fleet of(ModelShape model, Groups groups, Workload workload, double gatewayCores, double expertCores,
      double workerCores) {
    double cache = (double) Batching.ENGINE.maxRunning() * (workload.promptTokens() + workload.generatedTokens())
        * model.cacheBytes();
    Pod[] experts = new Pod[groups.count()];
    for (int group = 0; group < experts.length; group++) {
      experts[group] = new Pod(expertCores, PROCESS + model.groupBytes(groups.size(group)));
    }
    return new Fleet(new Pod(gatewayCores, PROCESS + cache + model.denseBytes()), experts,
        new Pod(workerCores, PROCESS + cache + model.bytes()));
  }
}
