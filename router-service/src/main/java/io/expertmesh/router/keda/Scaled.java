package io.expertmesh.router.keda;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.router.control.ControlPlane;
import io.expertmesh.router.scaling.GatewayNeeds;
import io.expertmesh.router.scaling.GroupNeeds;
import io.expertmesh.router.scaling.ScaledGateways;
import io.expertmesh.router.scaling.ScaledGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What a ScaledObject scales. */
sealed interface Scaled {
  /**
   * A number for the HorizontalPodAutoscaler, which wants value / target replicas, rounded up, by the greatest.
   *
   * @param value 0 where only targets are asked for
   */
  record Gauge(String metric, double target, double value) {}

  /** @param active whether there must be a replica */
  record Reading(boolean active, List<Gauge> gauges) {}

  /**
   * What the trigger's metadata say.
   *
   * @throws FailureException INVALID_REQUEST naming what is missing or wrong
   */
  static Scaled of(Map<String, String> metadata) {
    return ScaledGateways.isMeant(metadata)
        ? new Gateways(ScaledGateways.of(metadata))
        : new Experts(ScaledGroup.of(metadata));
  }

  /** The numbers' names and targets. */
  List<Gauge> targets();

  /** @throws FailureException UNAVAILABLE while nothing is known */
  Reading read(ControlPlane plane);

  /** A group of experts. */
  record Experts(ScaledGroup group) implements Scaled {
    @Override
    public List<Gauge> targets() {
      List<Gauge> targets = new ArrayList<>();
      for (Metric metric : Metric.values()) {
        targets.add(new Gauge(metric.label, metric.target(group), 0));
      }
      return targets;
    }

    @Override
    public Reading read(ControlPlane plane) {
      GroupNeeds needs = plane.needs(group);
      List<Gauge> gauges = new ArrayList<>();
      for (Metric metric : Metric.values()) {
        gauges.add(new Gauge(metric.label, metric.target(group), metric.value(group, needs)));
      }
      return new Reading(needs.isActive(), gauges);
    }
  }

  /** All gateways. At least one of them is always there. */
  record Gateways(ScaledGateways settings) implements Scaled {
    @Override
    public List<Gauge> targets() {
      return gauges(GatewayNeeds.NONE);
    }

    @Override
    public Reading read(ControlPlane plane) {
      return new Reading(true, gauges(plane.neededGateways()));
    }

    private List<Gauge> gauges(GatewayNeeds needs) {
      return List.of(new Gauge("queue", settings.queue(), needs.waiting()),
          new Gauge("running", settings.runningPercent(), 100 * needs.running()),
          new Gauge("kv", settings.kvPercent(), 100 * needs.kv()));
    }
  }
}
