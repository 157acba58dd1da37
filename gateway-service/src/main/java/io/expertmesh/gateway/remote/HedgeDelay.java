package io.expertmesh.gateway.remote;

/**
 * How long to wait for an answer before another replica is asked too: the smoothed mean plus four times the smoothed
 * deviation, as TCP decides when to send again (RFC 6298), kept apart by the rows that the replica has to compute. Safe for many threads.
 */
final class HedgeDelay {
  static final long SHORTEST_NANOS = 15_000_000;
  static final long LONGEST_NANOS = 150_000_000;
  static final long UNKNOWN_NANOS = 100_000_000;
  private static final int DEVIATIONS = 4;

  private final Bucket[] byPowerOfTwo = new Bucket[32];

  HedgeDelay() {
    for (int i = 0; i < byPowerOfTwo.length; i++) {
      byPowerOfTwo[i] = new Bucket();
    }
  }

  /** For a replica that has {@code rows} to compute. Where nothing is known, as if time grew with the rows. */
  long nanos(int rows) {
    int index = index(rows);
    for (int known = index; known >= 0; known--) {
      double mean = byPowerOfTwo[known].mean();
      if (mean > 0) {
        return known == index
            ? byPowerOfTwo[index].delay()
            : Math.max(UNKNOWN_NANOS, (long) (mean * (1L << (index - known))));
      }
    }
    return UNKNOWN_NANOS;
  }

  /**
   * An answer took {@code nanos}. One that came after the delay counts no more than twice the delay, so that one process
   * that hung does not make all others wait, but the delay grows if all have become slower.
   */
  void record(int rows, long nanos) {
    byPowerOfTwo[index(rows)].record(nanos, nanos(rows));
  }

  private static int index(int rows) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(0, rows - 1));
  }

  private static final class Bucket {
    private double mean;
    private double deviation;

    synchronized void record(long nanos, long delay) {
      double sample = Math.clamp((double) nanos, 1, 2.0 * delay);
      if (mean == 0) {
        mean = sample;
        deviation = sample / 2;
      } else {
        deviation += (Math.abs(sample - mean) - deviation) / 4;
        mean += (sample - mean) / 8;
      }
    }

    /** 0 if nothing is known. */
    synchronized double mean() {
      return mean;
    }

    synchronized long delay() {
      double longest = Math.max(LONGEST_NANOS, 2 * mean);
      return (long) Math.clamp(mean + DEVIATIONS * deviation, SHORTEST_NANOS, longest);
    }
  }
}
