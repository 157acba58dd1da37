package io.expertmesh.simulator.events;

/** Times in buckets that are one percent wide, from a microsecond to years. */
public final class Distribution {
  private static final double LEAST = 1e-6;
  private static final double WIDTH = Math.log(1.01);

  private final long[] counts = new long[4096];
  private long count;
  private double sum;
  private double most;

  /** @param seconds 0 or more */
  public void add(double seconds) {
    int bucket = seconds <= LEAST ? 0 : Math.min(counts.length - 1, (int) (Math.log(seconds / LEAST) / WIDTH) + 1);
    counts[bucket]++;
    count++;
    sum += seconds;
    most = Math.max(most, seconds);
  }

  public long count() {
    return count;
  }

  /** Seconds; 0 if there is nothing. */
  public double mean() {
    return count == 0 ? 0 : sum / count;
  }

  /** Seconds that the part {@code share} of all times does not exceed, within a percent; 0 if there is nothing. */
  public double quantile(double share) {
    long rank = Math.max(1, (long) Math.ceil(share * count));
    long seen = 0;
    for (int bucket = 0; bucket < counts.length; bucket++) {
      seen += counts[bucket];
      if (seen >= rank) {
        return Math.min(most, LEAST * Math.exp(bucket * WIDTH));
      }
    }
    return most;
  }

  /** Takes in what another one has. */
  public void add(Distribution other) {
    for (int bucket = 0; bucket < counts.length; bucket++) {
      counts[bucket] += other.counts[bucket];
    }
    count += other.count;
    sum += other.sum;
    most = Math.max(most, other.most);
  }
}
