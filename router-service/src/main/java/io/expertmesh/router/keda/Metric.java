package io.expertmesh.router.keda;

import io.expertmesh.router.scaling.GroupNeeds;
import io.expertmesh.router.scaling.ScaledGroup;

/** What KEDA hands to the HorizontalPodAutoscaler of a group of experts. */
public enum Metric {
  /** Percent of a replica that all replicas together computed: rows a second against what a replica can compute. */
  LOAD("load") {
    @Override
    public double target(ScaledGroup group) {
      return group.utilization();
    }

    @Override
    public double value(ScaledGroup group, GroupNeeds needs) {
      return 100 * needs.busyReplicas();
    }
  },
  /** Replicas, in proportion to how long batches waited; at most twice as many as there are. */
  QUEUE_DELAY("queue-delay") {
    @Override
    public double target(ScaledGroup group) {
      return 1;
    }

    @Override
    public double value(ScaledGroup group, GroupNeeds needs) {
      double late = (double) needs.queueDelay().toNanos() / group.queueDelay().toNanos();
      return needs.replicas() * Math.min(2, late);
    }
  },
  /** Replicas that serve while another one starts, so that none goes in the midst of a rollout. */
  FLOOR("floor") {
    @Override
    public double target(ScaledGroup group) {
      return 1;
    }

    @Override
    public double value(ScaledGroup group, GroupNeeds needs) {
      return needs.floor();
    }
  };

  final String label;

  Metric(String label) {
    this.label = label;
  }

  /** What one replica is for. */
  public abstract double target(ScaledGroup group);

  /** What all replicas together have. */
  public abstract double value(ScaledGroup group, GroupNeeds needs);
}
