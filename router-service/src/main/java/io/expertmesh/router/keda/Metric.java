package io.expertmesh.router.keda;

import io.expertmesh.router.scaling.GroupNeeds;
import io.expertmesh.router.scaling.ScaledGroup;

/** What KEDA hands to the HorizontalPodAutoscaler of a group of experts. */
enum Metric {
  /** Percent of a replica that all replicas together computed: rows a second against what a replica can compute. */
  LOAD("load") {
    @Override
    double target(ScaledGroup group) {
      return group.utilization();
    }

    @Override
    double value(ScaledGroup group, GroupNeeds needs) {
      return 100 * needs.busyReplicas();
    }
  },
  /** Replicas, in proportion to how long batches waited; at most twice as many as there are. */
  QUEUE_DELAY("queue-delay") {
    @Override
    double target(ScaledGroup group) {
      return 1;
    }

    @Override
    double value(ScaledGroup group, GroupNeeds needs) {
      double late = (double) needs.queueDelay().toNanos() / group.queueDelay().toNanos();
      return needs.replicas() * Math.min(2, late);
    }
  },
  /** Replicas that serve while another one starts, so that none goes in the midst of a rollout. */
  FLOOR("floor") {
    @Override
    double target(ScaledGroup group) {
      return 1;
    }

    @Override
    double value(ScaledGroup group, GroupNeeds needs) {
      return needs.floor();
    }
  };

  final String label;

  Metric(String label) {
    this.label = label;
  }

  abstract double target(ScaledGroup group);

  abstract double value(ScaledGroup group, GroupNeeds needs);
}
