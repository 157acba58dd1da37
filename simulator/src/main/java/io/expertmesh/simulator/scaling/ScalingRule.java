package io.expertmesh.simulator.scaling;

/**
 * When replicas come and go: what the chart's ScaledObject says.
 *
 * @param least replicas
 * @param most replicas
 * @param utilization of a replica's time that it shall compute, from 0 to 1
 * @param scaleDownSeconds how long the load must be lower before a replica goes, and until the next one does
 * @param startSeconds until a new replica serves
 */
public record ScalingRule(int least, int most, double utilization, double scaleDownSeconds, double startSeconds) {
  /** How often the HorizontalPodAutoscaler looks. */
  public static final double PERIOD = 15;
  /** How far the load may be from what the replicas are for before it acts. */
  private static final double TOLERANCE = 0.1;

  /**
   * Replicas that the load asks for.
   *
   * @param busy replicas that would compute all the time
   * @param current replicas that there are
   */
  public int wanted(double busy, int current) {
    double ratio = busy / (utilization * Math.max(1, current));
    int wanted = Math.abs(ratio - 1) <= TOLERANCE ? current : (int) Math.ceil(busy / utilization - 1e-9);
    return Math.clamp(wanted, least, most);
  }

  /** Replicas at the next look if so many are wanted: at most twice as many, or two more. */
  static int upTo(int current, int wanted) {
    return Math.min(wanted, Math.max(2 * current, current + 2));
  }
}
