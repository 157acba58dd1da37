package io.expertmesh.router.placement;

import java.util.List;

/**
 * What a process that takes assignments says of itself.
 *
 * @param id the process's id
 * @param ready whether it computes what it holds
 * @param takesExperts whether it may be given more: neither stopping nor drained
 * @param held what it holds now, ascending
 * @param maxExperts what it can hold; 0 for any number
 * @param rowsPerSecond what it measured; 0 if it has not
 * @param assignmentId the last assignment that it fulfilled; 0 if there was none
 */
public record ShardReport(String id, String name, boolean ready, boolean takesExperts, List<Integer> held,
    int maxExperts, double rowsPerSecond, long assignmentId) {
  public ShardReport {
    held = List.copyOf(held);
  }
}
