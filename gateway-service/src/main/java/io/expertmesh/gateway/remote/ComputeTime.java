package io.expertmesh.gateway.remote;

import java.util.concurrent.TimeUnit;

/**
 * How long replicas compute a batch, kept apart by its rows. Quick batches count more than slow ones, which have often
 * waited for a core. Safe for many threads.
 */
final class ComputeTime {
  /**
   * A group's rows are divided among its replicas as long as each part computes for so long: a message more costs the
   * gateway and the replica about a quarter of that.
   */
  static final long SHORTEST_PART_NANOS = TimeUnit.MICROSECONDS.toNanos(300);
  private static final double FASTER = 0.25;
  private static final double SLOWER = 1 / 32.0;

  /** Nanoseconds for each row; 0 if nothing is known. Guarded by this. */
  private final double[] byPowerOfTwo = new double[32];

  /** Of {@code rows} that were computed together. */
  synchronized void record(int rows, long nanos) {
    double sample = (double) nanos / rows;
    int index = index(rows);
    double known = byPowerOfTwo[index];
    byPowerOfTwo[index] = known == 0 ? sample : known + (sample - known) * (sample < known ? FASTER : SLOWER);
  }

  /** Into how many parts {@code rows} of a group are best divided, if there are that many replicas; at least 1. */
  int parts(int rows) {
    return (int) Math.max(1, nanos(rows) / SHORTEST_PART_NANOS);
  }

  /** Expected for {@code rows}; what is known of fewer rows, else of more, if nothing is known of so many. */
  private synchronized double nanos(int rows) {
    int index = index(rows);
    for (int fewer = index; fewer >= 0; fewer--) {
      if (byPowerOfTwo[fewer] > 0) {
        return byPowerOfTwo[fewer] * rows;
      }
    }
    for (int more = index + 1; more < byPowerOfTwo.length; more++) {
      if (byPowerOfTwo[more] > 0) {
        return byPowerOfTwo[more] * rows;
      }
    }
    return 0;
  }

  private static int index(int rows) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(0, rows - 1));
  }
}
