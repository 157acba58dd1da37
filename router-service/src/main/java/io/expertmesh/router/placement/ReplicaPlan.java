package io.expertmesh.router.placement;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.GroupPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * How many replicas each group of experts should have: each gets one, then one after the other goes to the group with
 * the most load per replica, where a replica that computes twice as fast counts as two.
 *
 * @param busiestBefore rows a second of the busiest replica, divided by its speed, if a group's replicas share its load
 * @param busiestAfter the same with the planned replicas
 */
public record ReplicaPlan(List<GroupPlan> groups, double busiestBefore, double busiestAfter) {
  /**
   * Processes that hold the same experts of the same model.
   *
   * @param expertIds ascending
   * @param replicas how many there are
   * @param rowsPerSecond of all replicas together
   * @param speed of a replica, on average, as a multiple of what most processes compute in a second
   */
  public record Group(List<Integer> expertIds, int replicas, double rowsPerSecond, double speed) {
    public Group {
      expertIds = List.copyOf(expertIds);
    }

    /** How busy each of {@code count} replicas is. */
    double busy(int count) {
      return rowsPerSecond / (Math.max(1, count) * speed);
    }
  }

  private static final int MAX_REPLICAS = 100_000;

  public ReplicaPlan {
    groups = List.copyOf(groups);
  }

  /**
   * @param replicas of all groups together; 0 for as many as there are
   * @throws FailureException INVALID_REQUEST if there are more groups
   */
  public static ReplicaPlan of(List<Group> groups, int replicas) {
    int total = replicas == 0 ? groups.stream().mapToInt(Group::replicas).sum() : replicas;
    if (replicas != 0 && (total < groups.size() || total > MAX_REPLICAS)) {
      throw FailureException.invalidParameter("replicas",
          "replicas is %d; it must be at least one for each of the %d groups, and at most %d.".formatted(
              Integer.toUnsignedLong(replicas), groups.size(), MAX_REPLICAS));
    }
    int[] planned = new int[groups.size()];
    Arrays.fill(planned, 1);
    PriorityQueue<Integer> busiest = new PriorityQueue<>(
        Comparator.<Integer>comparingDouble(i -> -groups.get(i).busy(planned[i]))
            .thenComparingInt(i -> planned[i]).thenComparingInt(i -> i));
    for (int i = 0; i < planned.length; i++) {
      busiest.add(i);
    }
    for (int given = planned.length; given < total && !busiest.isEmpty(); given++) {
      int group = busiest.remove();
      planned[group]++;
      busiest.add(group);
    }
    List<GroupPlan> plans = new ArrayList<>();
    double before = 0;
    double after = 0;
    for (int i = 0; i < planned.length; i++) {
      Group group = groups.get(i);
      before = Math.max(before, group.busy(group.replicas()));
      after = Math.max(after, group.busy(planned[i]));
      plans.add(GroupPlan.newBuilder().addAllExpertIds(group.expertIds()).setReplicas(group.replicas())
          .setPlannedReplicas(planned[i]).setRowsPerSecond(group.rowsPerSecond()).build());
    }
    return new ReplicaPlan(plans, before, after);
  }
}
