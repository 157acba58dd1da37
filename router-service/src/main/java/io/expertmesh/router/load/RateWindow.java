package io.expertmesh.router.load;

import java.time.Duration;

/** How many rows a second there were in the last minute, counted in buckets of a second. */
public final class RateWindow {
  static final int SECONDS = 60;
  private static final long NANOS = Duration.ofSeconds(1).toNanos();

  private final long[] rows = new long[SECONDS];
  private final long start;
  private long newest;

  /** @param nanos the time now, of any monotonic clock */
  public RateWindow(long nanos) {
    start = nanos;
    newest = 0;
  }

  /** Counts {@code count} rows that were computed just before {@code nanos}. */
  public void add(long count, long nanos) {
    advance(nanos);
    rows[index(newest)] += count;
  }

  /** Rows a second over the last minute, or since the window began if that is less (but at least a second). */
  public double perSecond(long nanos) {
    return perSecond(nanos, SECONDS);
  }

  /** The same over the last {@code seconds}, at most a minute. */
  public double perSecond(long nanos, int seconds) {
    advance(nanos);
    long sum = 0;
    for (long second = newest; second > newest - seconds && second >= 0; second--) {
      sum += rows[index(second)];
    }
    // The newest bucket has only begun.
    double covered = Math.min((nanos - start) / (double) NANOS, seconds - 1 + (nanos - start) % NANOS / (double) NANOS);
    return sum / Math.max(1, covered);
  }

  private void advance(long nanos) {
    long second = Math.max(newest, (nanos - start) / NANOS);
    for (long cleared = Math.max(newest + 1, second - SECONDS + 1); cleared <= second; cleared++) {
      rows[index(cleared)] = 0;
    }
    newest = second;
  }

  private static int index(long second) {
    return (int) (second % SECONDS);
  }
}
