package io.expertmesh.gateway.remote;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which replicas can be asked for which experts: a snapshot. Experts that the same replicas hold form a group.
 *
 * @param groupOf by expert id
 * @param groups by group: the replicas; none for experts that are not available
 * @param maxRows of a batch that any of them takes
 * @param unavailable experts that no replica can be asked for
 */
record Holders(int[] groupOf, List<List<ReplicaLink>> groups, int maxRows, Set<Integer> unavailable) {
  /** Of a model with so many experts. Replicas that the table has lost, or had for an expert, stand in for others. */
  static Holders of(int experts, Collection<ReplicaLink> links) {
    List<List<ReplicaLink>> byExpert = new ArrayList<>(experts);
    for (int id = 0; id < experts; id++) {
      byExpert.add(new ArrayList<>(2));
    }
    int maxRows = Integer.MAX_VALUE;
    for (ReplicaLink link : links) {
      ReplicaStream stream = link.live();
      if (stream != null && link.isServing()) {
        link.experts().forEach(id -> byExpert.get(id).add(link));
        maxRows = Math.min(maxRows, stream.maxRows());
      }
    }
    // Those that the table still has know best what they hold.
    addStandIns(byExpert, links, false);
    addStandIns(byExpert, links, true);
    int[] groupOf = new int[experts];
    List<List<ReplicaLink>> groups = new ArrayList<>();
    Map<List<ReplicaLink>, Integer> numbers = new HashMap<>();
    Set<Integer> unavailable = new HashSet<>();
    for (int id = 0; id < experts; id++) {
      List<ReplicaLink> holders = List.copyOf(byExpert.get(id));
      groupOf[id] = numbers.computeIfAbsent(holders, fresh -> {
        groups.add(fresh);
        return groups.size() - 1;
      });
      if (holders.isEmpty()) {
        unavailable.add(id);
      }
    }
    return new Holders(groupOf, List.copyOf(groups), maxRows, Set.copyOf(unavailable));
  }

  private static void addStandIns(List<List<ReplicaLink>> byExpert, Collection<ReplicaLink> links, boolean lost) {
    for (ReplicaLink link : links) {
      if (!link.suspicion.isSuspect() && (link.standing() == ReplicaLink.Standing.LOST) == lost) {
        for (int id : link.standIns()) {
          if (byExpert.get(id).isEmpty()) {
            byExpert.get(id).add(link);
          }
        }
      }
    }
  }

  List<ReplicaLink> holders(int expertId) {
    return groups.get(groupOf[expertId]);
  }

  /** Whether somebody may be asked for something only by this one. */
  boolean needs(ReplicaLink link) {
    return groups.stream().anyMatch(group -> group.contains(link));
  }
}
