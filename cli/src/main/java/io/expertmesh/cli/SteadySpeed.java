package io.expertmesh.cli;

import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.simulator.Workload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The speed of batches that processes reach when they do not become quicker any more. That takes a minute where nine of
 * them share two cores: the JVM of each compiles what it runs, beside all others.
 */
final class SteadySpeed {
  private static final long WINDOW_NANOS = Duration.ofSeconds(5).toNanos();
  private static final int STEADY_WINDOWS = 3;
  private static final double QUICKER = 0.95;
  private static final long LONGEST_NANOS = Duration.ofMinutes(3).toNanos();
  private static final int LEAST_REPEATS = 3;
  private static final long LEAST_NANOS = Duration.ofSeconds(2).toNanos();

  private final ServedModel served;
  private final Workload workload;
  private final int[] batches;
  /** Another one for each run, so that nothing comes from the prefix cache. */
  private long seed;

  SteadySpeed(ServedModel served, Workload workload, int[] batches) {
    this.served = served;
    this.workload = workload;
    this.batches = batches.clone();
  }

  /** Runs all batches again and again until windows bring no gain, or for three minutes. Returns how long that took. */
  Duration warmUp() throws InterruptedException {
    long begin = System.nanoTime();
    long best = Long.MAX_VALUE;
    int steady = 0;
    while (steady < STEADY_WINDOWS && System.nanoTime() - begin < LONGEST_NANOS) {
      long least = window();
      steady = least > QUICKER * best ? steady + 1 : 0;
      best = Math.min(best, least);
    }
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  /** Nanoseconds of the quickest round of all batches in a window; others may have waited for other work. */
  private long window() throws InterruptedException {
    long least = Long.MAX_VALUE;
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < WINDOW_NANOS) {
      long roundBegin = System.nanoTime();
      for (int batch : batches) {
        run(batch);
      }
      least = Math.min(least, System.nanoTime() - roundBegin);
    }
    return least;
  }

  /** The medians of some seconds. */
  BenchRun.Speed measure(int batch) throws InterruptedException {
    List<BenchRun.Speed> speeds = new ArrayList<>();
    long begin = System.nanoTime();
    while (speeds.size() < LEAST_REPEATS || System.nanoTime() - begin < LEAST_NANOS) {
      speeds.add(run(batch));
    }
    return new BenchRun.Speed(
        BenchCommand.median(speeds.stream().mapToDouble(BenchRun.Speed::prefillTokensPerSecond).toArray()),
        BenchCommand.median(speeds.stream().mapToDouble(BenchRun.Speed::decodeTokensPerSecond).toArray()));
  }

  private BenchRun.Speed run(int batch) throws InterruptedException {
    return new BenchRun(served, workload.promptTokens(), workload.generatedTokens(), batch).run(++seed);
  }
}
