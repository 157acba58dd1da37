package io.expertmesh.simulator.scaling;

/**
 * What pods cost.
 *
 * @param coreHour a core for an hour
 * @param gibHour a GiB of memory for an hour
 */
public record Prices(double coreHour, double gibHour) {
  private static final double GIB = 1L << 30;

  /**
   * What a pod is.
   *
   * @param bytes of memory that it may have
   */
  public record Pod(double cores, double bytes) {
    public double gib() {
      return bytes / GIB;
    }
  }

  /** A pod for an hour. */
  public double hour(Pod pod) {
    return pod.cores() * coreHour + pod.gib() * gibHour;
  }
}
