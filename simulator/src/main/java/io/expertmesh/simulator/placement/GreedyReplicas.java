package io.expertmesh.simulator.placement;

import java.util.Arrays;
import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * How a number of replicas is divided: each group gets one, then one after the other goes to the group with the most
 * load per replica. The rule of the router's plan.
 */
public final class GreedyReplicas {
  private GreedyReplicas() {}

  /**
   * @param load of each group, in any unit
   * @param total at least one for each group
   */
  public static int[] of(double[] load, int total) {
    int[] replicas = new int[load.length];
    Arrays.fill(replicas, 1);
    PriorityQueue<Integer> busiest = new PriorityQueue<>(
        Comparator.<Integer>comparingDouble(group -> -load[group] / replicas[group])
            .thenComparingInt(group -> replicas[group]).thenComparingInt(group -> group));
    for (int group = 0; group < load.length; group++) {
      busiest.add(group);
    }
    for (int given = load.length; given < total && !busiest.isEmpty(); given++) {
      int group = busiest.remove();
      replicas[group]++;
      busiest.add(group);
    }
    return replicas;
  }
}
