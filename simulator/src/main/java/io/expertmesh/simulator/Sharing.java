package io.expertmesh.simulator;

/** When a gateway divides the rows that a step has for a group among replicas of the group. */
public final class Sharing {
  /** Seconds that each part computes at least. */
  public static final double SHORTEST_PART = 300e-6;

  /** An expert's rows are cut in two only where both replicas have so many of them. */
  public static final int ROWS_WORTH_READING = 32;

  private Sharing() {}

  /**
   * Into how many parts, at most one for each replica.
   *
   * @param seconds that all rows together compute
   */
  public static int parts(double seconds, int replicas) {
    return Math.clamp((long) (seconds / SHORTEST_PART), 1, Math.max(1, replicas));
  }

  /**
   * The same on average, where the seconds of a step are about {@code seconds}: whole parts are half a part fewer than
   * the quotient.
   */
  public static double meanParts(double seconds, int replicas) {
    return Math.clamp(seconds / SHORTEST_PART - 0.5, 1, Math.max(1, replicas));
  }
}
