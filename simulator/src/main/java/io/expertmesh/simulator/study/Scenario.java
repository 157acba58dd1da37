package io.expertmesh.simulator.study;

import io.expertmesh.simulator.Costs;
import io.expertmesh.simulator.Deployment;
import io.expertmesh.simulator.ModelShape;
import io.expertmesh.simulator.Workload;
import io.expertmesh.simulator.estimate.Estimator;
import io.expertmesh.simulator.load.LoadCurve;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import io.expertmesh.simulator.scaling.Fleet;
import io.expertmesh.simulator.scaling.Planner;
import io.expertmesh.simulator.scaling.Prices;
import io.expertmesh.simulator.scaling.ScalingRule;
import org.jspecify.annotations.Nullable;

/**
 * What is to be simulated.
 *
 * @param costs of gateways and expert pods
 * @param workerCosts of a whole worker
 * @param replicas of each group; null where they follow the load
 * @param gateways how many; 0 where they follow the load
 * @param running requests that a gateway or a worker shall have at most
 * @param expertRule for groups
 * @param gatewayRule for gateways
 * @param workerRule for whole workers
 * @param window seconds that each simulation of events looks at; 0 for as long as it takes to see enough
 */
public record Scenario(ModelShape model, Costs costs, Costs workerCosts, Routing routing, Groups groups,
    LoadCurve load, Workload workload, Fleet fleet, Prices prices, int @Nullable [] replicas, int gateways, int running,
    ScalingRule expertRule, ScalingRule gatewayRule, ScalingRule workerRule, double window, long seed) {

  /** The same with so many replicas of each group; null where they follow the load. */
  public Scenario withReplicas(int @Nullable [] counts) {
    return new Scenario(model, costs, workerCosts, routing, groups, load, workload, fleet, prices, counts, gateways,
        running,
        expertRule, gatewayRule, workerRule, window, seed);
  }

  /** The planner of this scenario. */
  Planner planner() {
    return planner(routing, gateways);
  }

  /** The planner for other routing and for as many gateways as the load asks for. */
  Planner planner(Routing other) {
    return planner(other, 0);
  }

  private Planner planner(Routing other, int fixedGateways) {
    return new Planner(new Estimator(costs, model.stateBytes(), other, groups, workload),
        new Estimator(workerCosts, 0, other, Groups.equal(model.experts(), 1), workload), workload, fleet, prices,
        expertRule.utilization(), gatewayRule.utilization(), running, fixedGateways);
  }

  Deployment mesh(int count, int[] pods) {
    return Deployment.mesh(costs, model.stateBytes(), routing, groups, pods, count);
  }

  Deployment workers(int count) {
    return Deployment.workers(workerCosts, routing, count);
  }

  /** The rules for groups; those of fixed replicas keep them. */
  ScalingRule[] groupRules() {
    ScalingRule[] rules = new ScalingRule[groups.count()];
    for (int group = 0; group < rules.length; group++) {
      rules[group] = replicas == null ? expertRule : fixed(expertRule, replicas[group]);
    }
    return rules;
  }

  @Override
  public ScalingRule gatewayRule() {
    return gateways == 0 ? gatewayRule : fixed(gatewayRule, gateways);
  }

  private static ScalingRule fixed(ScalingRule rule, int replicas) {
    return new ScalingRule(replicas, replicas, rule.utilization(), rule.scaleDownSeconds(), rule.startSeconds());
  }
}
