package io.expertmesh.router.scaling;

import java.time.Duration;

/**
 * What a group needs, as measured.
 *
 * @param experts such as {@code 0-7}
 * @param replicas that serve now
 * @param rowsPerSecond that they computed
 * @param busyReplicas how many replicas would have been busy all the time
 * @param queueDelay the longest that a batch waited
 * @param floor replicas that must not go: those that serve, while another one starts; otherwise 0
 * @param wanted whether requests wait for its experts
 */
public record GroupNeeds(String experts, int replicas, double rowsPerSecond, double busyReplicas, Duration queueDelay,
    int floor, boolean wanted) {
  /** Rows a second that one replica computes when it does nothing else; 0 while nothing is known. */
  public double capacity() {
    return busyReplicas == 0 ? 0 : rowsPerSecond / busyReplicas;
  }

  /** Whether there is work, or somebody who waits for the group. */
  public boolean isActive() {
    return wanted || rowsPerSecond > 0;
  }
}
