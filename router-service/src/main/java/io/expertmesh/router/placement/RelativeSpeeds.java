package io.expertmesh.router.placement;

import java.util.ArrayList;
import java.util.List;

/** How much faster or slower processes compute than most of them do, by the rows a second that each measured. */
public final class RelativeSpeeds {
  /** Like processes measure as different as this when they start at once on a busy machine. */
  private static final double ALIKE = 2;

  private RelativeSpeeds() {}

  /**
   * For each process 1, or its speed as a multiple of the median if it is {@value #ALIKE} times that or more, or as
   * much less. What has measured nothing counts as 1.
   *
   * @param rowsPerSecond 0 for what has measured nothing
   */
  public static List<Double> of(List<Double> rowsPerSecond) {
    List<Double> measured = rowsPerSecond.stream().filter(speed -> speed > 0).sorted().toList();
    List<Double> relative = new ArrayList<>(rowsPerSecond.size());
    for (double speed : rowsPerSecond) {
      double ratio = speed > 0 ? speed / measured.get((measured.size() - 1) / 2) : 1;
      relative.add(ratio < ALIKE && ratio > 1 / ALIKE ? 1 : ratio);
    }
    return relative;
  }
}
