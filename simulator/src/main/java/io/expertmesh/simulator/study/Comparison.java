package io.expertmesh.simulator.study;

import io.expertmesh.simulator.ModelShape;
import io.expertmesh.simulator.routing.Routing;
import io.expertmesh.simulator.routing.RoutingSource;
import io.expertmesh.simulator.scaling.Planner;
import io.expertmesh.simulator.scaling.Prices;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * When it pays to scale experts: the pods that a steady load asks for, as expert groups that scale each by itself, as
 * groups that all have what the busiest needs, and as whole workers.
 *
 * @param bySkew at the load's peak, with Zipf routing of growing exponents
 * @param byLoad with the scenario's routing, at growing loads
 * @param byMemoryPrice with the scenario's routing at the load's peak, memory growing dearer
 */
public record Comparison(List<Row> bySkew, List<Row> byLoad, List<Row> byMemoryPrice) {
  private static final double SKEW_STEP = 0.25;
  private static final int SKEWS = 9;
  private static final double LEAST_LOAD = 1.0 / 32;
  private static final int LOADS = 9;
  private static final double LEAST_PRICE = 1.0 / 4;
  private static final int PRICES = 9;

  /**
   * @param x exponent, requests a second, or what a GiB costs for an hour
   * @param imbalance the busiest group's load against the mean
   */
  public record Row(double x, double imbalance, Planner.Plan groups, Planner.Plan equalGroups,
      Planner.Plan wholeWorkers) {
    /** Whether groups that scale by themselves cost less than whole workers. */
    public boolean pays() {
      return groups.perMillionTokens() < wholeWorkers.perMillionTokens();
    }
  }

  public Comparison {
    bySkew = List.copyOf(bySkew);
    byLoad = List.copyOf(byLoad);
    byMemoryPrice = List.copyOf(byMemoryPrice);
  }

  static Comparison of(Scenario scenario) {
    double peak = scenario.load().peak();
    List<Row> bySkew = new ArrayList<>();
    for (int i = 0; i < SKEWS; i++) {
      double exponent = i * SKEW_STEP;
      ModelShape model = scenario.model();
      Routing routing = RoutingSource.open(String.format(Locale.ROOT, "zipf:%.2f", exponent), model, scenario.seed());
      bySkew.add(row(exponent, peak, scenario.planner(routing)));
    }
    Planner planner = scenario.planner(scenario.routing());
    List<Row> byLoad = new ArrayList<>();
    for (int i = 0; i < LOADS; i++) {
      double load = peak * LEAST_LOAD * (1L << i);
      byLoad.add(row(load, load, planner));
    }
    List<Row> byMemoryPrice = new ArrayList<>();
    for (int i = 0; i < PRICES; i++) {
      double price = scenario.prices().gibHour() * LEAST_PRICE * (1L << i);
      byMemoryPrice.add(row(price, peak, planner.with(new Prices(scenario.prices().coreHour(), price))));
    }
    return new Comparison(bySkew, byLoad, byMemoryPrice);
  }

  private static Row row(double x, double load, Planner planner) {
    Planner.Plan groups = planner.groups(load);
    return new Row(x, groups.estimate().imbalance(), groups, planner.equalGroups(load), planner.wholeWorkers(load));
  }
}
