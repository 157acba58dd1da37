package io.expertmesh.simulator;

import io.expertmesh.simulator.load.LoadCurve;
import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import io.expertmesh.simulator.routing.RoutingSource;
import io.expertmesh.simulator.scaling.Fleet;
import io.expertmesh.simulator.scaling.Prices;
import io.expertmesh.simulator.scaling.ScalingRule;
import io.expertmesh.simulator.study.Scenario;
import java.util.Arrays;

/** Small things to simulate. */
final class Samples {
  static final ModelShape MODEL = new ModelShape("sample", 2, 8, 2, 64, 4_000_000, 2_000_000, 8_000_000, 8_000_000,
      4_000_000, 1024);
  static final Workload WORKLOAD = new Workload(16, 32);
  /**
   * In microseconds: layer 100, row 10, message 5 and 5 at the gateway, 20 at the expert, a KB of it 1, read 30,
   * row 4, way 50.
   */
  static final Costs COSTS = new Costs(100e-6, 10e-6, 5e-6, 5e-6, 20e-6, 1e-9, 30e-6, 4e-6, 50e-6, 0);

  private Samples() {}

  static Routing routing(String source) {
    return RoutingSource.open(source, MODEL, 1);
  }

  /** One layer, one expert, one visit: nothing is left to chance. */
  static Routing single() {
    return RoutingSource.open("uniform", new ModelShape("single", 1, 1, 1, 64, 1, 1, 1, 1, 1, 1), 1);
  }

  static Deployment mesh(Routing routing, int groups, int replicas, int gateways) {
    int[] counts = new int[groups];
    Arrays.fill(counts, replicas);
    return Deployment.mesh(COSTS, 0, routing, Groups.equal(routing.experts(), groups), counts, gateways);
  }

  static Scenario scenario(String load, String routing) {
    Groups groups = Groups.equal(MODEL.experts(), 4);
    Hardware hardware = new Hardware(2, 50, 10);
    Costs costs = Costs.of(MODEL, hardware, hardware, new Network(100e-6, 10, 20e-6, 20e-6, 40e-6, 1), 24);
    ScalingRule rule = new ScalingRule(1, 100, 0.6, 120, 20);
    return new Scenario(MODEL, costs, costs, routing(routing), groups, LoadCurve.parse(load), WORKLOAD,
        Fleet.of(MODEL, groups, WORKLOAD, 2, 2, 2), new Prices(0.03, 0.004), null, 0, 64, rule, rule, rule, 0.5, 1);
  }
}
