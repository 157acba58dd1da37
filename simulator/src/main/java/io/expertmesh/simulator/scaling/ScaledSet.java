package io.expertmesh.simulator.scaling;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The replicas of one Deployment over time. */
final class ScaledSet {
  private record Wanted(double time, int replicas) {}

  private final ScalingRule rule;
  /** When each replica that is not ready will be. */
  private final List<Double> starting = new ArrayList<>();
  private final Deque<Wanted> recent = new ArrayDeque<>();
  private int replicas;
  private double lastGone = Double.NEGATIVE_INFINITY;

  /** @param replicas that serve at the beginning */
  ScaledSet(ScalingRule rule, int replicas) {
    this.rule = rule;
    this.replicas = Math.clamp(replicas, rule.least(), rule.most());
  }

  /** All that there are and that are paid for. */
  int replicas() {
    return replicas;
  }

  /** Those that serve. */
  int ready(double time) {
    starting.removeIf(readyAt -> readyAt <= time);
    return replicas - starting.size();
  }

  /** The autoscaler looks, every {@link ScalingRule#PERIOD}. */
  void look(double time, double busy) {
    int wanted = rule.wanted(busy, replicas);
    recent.add(new Wanted(time, wanted));
    while (time - recent.getFirst().time() > rule.scaleDownSeconds()) {
      recent.removeFirst();
    }
    if (wanted > replicas) {
      for (int next = ScalingRule.upTo(replicas, wanted); replicas < next; replicas++) {
        starting.add(time + rule.startSeconds());
      }
      return;
    }
    int most = wanted;
    for (Wanted before : recent) {
      most = Math.max(most, before.replicas());
    }
    if (most < replicas && time - lastGone >= rule.scaleDownSeconds()
        && time - recent.getFirst().time() >= rule.scaleDownSeconds() - ScalingRule.PERIOD) {
      replicas--;
      lastGone = time;
      if (!starting.isEmpty()) {
        starting.removeLast();
      }
    }
  }
}
