package io.expertmesh.cli.chaos;

import io.expertmesh.cli.chaos.Load.Observation;
import io.expertmesh.cli.chaos.Monkey.Act;
import io.expertmesh.cli.cluster.ServiceProcess;
import io.expertmesh.cli.cluster.ServiceProcess.Change;
import io.expertmesh.cli.cluster.ServiceProcess.Moment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.annotation.JsonNaming;

/**
 * What the users of a cluster saw while its processes suffered.
 *
 * @param failed requests without a complete answer
 * @param wrong answers with a token or log-probability that the embedded model does not give
 * @param failures how often each message came
 * @param calmTokensPerS while nothing was done to the cluster
 * @param chaosTokensPerS over the whole time of faults
 * @param outsideRestartsTokensPerS the same without the seconds in which a process started, which takes the machine's
 *     cores
 * @param medianTokenMillis between two tokens of an answer, in calm
 * @param stalls by kind of fault; NONE has the seconds of calm
 * @param restartMillis from a kill until the process was ready again, median and longest
 * @param expertMemory of all expert processes together, over the time of faults
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record ChaosReport(int requests, int failed, int wrong, Map<String, Integer> failures, double calmTokensPerS,
    double chaosTokensPerS, double outsideRestartsTokensPerS, double medianTokenMillis, Map<String, Stall> stalls,
    double[] restartMillis, ResidentMemory.Course expertMemory) {
  /** How long after a fault the calls that it broke are still being asked of others. */
  private static final long AT_ONCE_NANOS = 100_000_000L;
  /** How long after a fault a wait still counts as its doing. Other processes start in that time. */
  private static final long AFTERMATH_NANOS = 1_000_000_000L;
  /** Stands for each second of calm, to compare with. */
  private static final String NO_FAULT = "NONE";

  /**
   * The longest waits between two tokens of any answer around faults of a kind.
   *
   * @param faults how many there were
   * @param atOnceMedianMillis of the answers that a fault interrupted, and those of the 100 ms after it
   * @param medianMillis of all answers within the second after it
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  public record Stall(int faults, double atOnceMedianMillis, double atOnceWorstMillis, double medianMillis,
      double worstMillis) {
    private static Stall of(List<Observation> observations, List<Long> faults) {
      double[] atOnce = longestGaps(observations, faults, AT_ONCE_NANOS);
      double[] within = longestGaps(observations, faults, AFTERMATH_NANOS);
      return new Stall(faults.size(), median(atOnce), Arrays.stream(atOnce).max().orElse(0), median(within),
          Arrays.stream(within).max().orElse(0));
    }
  }

  /** A stretch of time in {@link System#nanoTime}. */
  record Span(long from, long to) {
    double seconds() {
      return (to - from) / 1e9;
    }

    boolean contains(long nanos) {
      return nanos >= from && nanos < to;
    }
  }

  static ChaosReport of(List<Observation> observations, List<Act> acts, List<ServiceProcess> processes, Span calm,
      Span chaos, ResidentMemory.Course expertMemory) {
    Map<String, Integer> failures = new TreeMap<>();
    observations.stream().map(Observation::failure).filter(Objects::nonNull)
        .forEach(message -> failures.merge(message, 1, Integer::sum));
    List<Span> starts = starts(processes, chaos);
    double quietSeconds = chaos.seconds() - covered(starts);
    return new ChaosReport(observations.size(),
        (int) observations.stream().filter(one -> one.failure() != null).count(),
        (int) observations.stream().filter(Observation::wrong).count(),
        failures,
        tokens(observations, calm, List.of()) / calm.seconds(),
        tokens(observations, chaos, List.of()) / chaos.seconds(),
        quietSeconds > 0 ? tokens(observations, chaos, starts) / quietSeconds : 0,
        median(gaps(observations, calm)) / 1e6,
        stalls(observations, acts, calm),
        restarts(processes, chaos), expertMemory);
  }

  private static long tokens(List<Observation> observations, Span span, List<Span> except) {
    long tokens = 0;
    for (Observation one : observations) {
      for (long nanos : one.tokenNanos()) {
        if (span.contains(nanos) && except.stream().noneMatch(left -> left.contains(nanos))) {
          tokens++;
        }
      }
    }
    return tokens;
  }

  private static double[] gaps(List<Observation> observations, Span span) {
    List<Double> gaps = new ArrayList<>();
    for (Observation one : observations) {
      for (int i = 1; i < one.tokenNanos().length; i++) {
        if (span.contains(one.tokenNanos()[i])) {
          gaps.add((double) (one.tokenNanos()[i] - one.tokenNanos()[i - 1]));
        }
      }
    }
    return gaps.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static Map<String, Stall> stalls(List<Observation> observations, List<Act> acts, Span calm) {
    Map<String, List<Long>> moments = new TreeMap<>();
    for (Act act : acts) {
      moments.computeIfAbsent(act.fault().name(), fault -> new ArrayList<>()).add(act.nanos());
    }
    for (long second = calm.from; second + AFTERMATH_NANOS <= calm.to; second += AFTERMATH_NANOS) {
      moments.computeIfAbsent(NO_FAULT, fault -> new ArrayList<>()).add(second);
    }
    Map<String, Stall> stalls = new TreeMap<>();
    moments.forEach((fault, nanos) -> stalls.put(fault, Stall.of(observations, nanos)));
    return stalls;
  }

  /** In milliseconds, of each moment. */
  private static double[] longestGaps(List<Observation> observations, List<Long> moments, long aftermath) {
    return moments.stream().mapToDouble(moment -> longestGap(observations, moment, aftermath) / 1e6).toArray();
  }

  /** The longest wait between two tokens of any answer that was waited for between {@code nanos} and then. */
  private static long longestGap(List<Observation> observations, long nanos, long aftermath) {
    long longest = 0;
    for (Observation one : observations) {
      for (int i = 1; i < one.tokenNanos().length; i++) {
        long from = one.tokenNanos()[i - 1];
        long to = one.tokenNanos()[i];
        if (to > nanos && from < nanos + aftermath) {
          longest = Math.max(longest, to - from);
        }
      }
    }
    return longest;
  }

  /** When processes were starting: from their start until they were ready. */
  private static List<Span> starts(List<ServiceProcess> processes, Span within) {
    List<Span> starts = new ArrayList<>();
    for (ServiceProcess process : processes) {
      long started = 0;
      for (Moment moment : process.history()) {
        if (moment.change() == Change.STARTED) {
          started = moment.nanos();
        } else if (started != 0) {
          if (moment.nanos() > within.from && started < within.to) {
            starts.add(new Span(Math.max(started, within.from), Math.min(moment.nanos(), within.to)));
          }
          started = 0;
        }
      }
      if (started != 0 && started < within.to) {
        starts.add(new Span(Math.max(started, within.from), within.to));
      }
    }
    return starts;
  }

  /** Seconds that at least one of the spans covers. */
  private static double covered(List<Span> spans) {
    List<Span> sorted = spans.stream().sorted(Comparator.comparingLong(Span::from)).toList();
    long end = Long.MIN_VALUE;
    double seconds = 0;
    for (Span span : sorted) {
      long from = end == Long.MIN_VALUE ? span.from : Math.max(span.from, end);
      if (span.to > from) {
        seconds += (span.to - from) / 1e9;
        end = span.to;
      }
    }
    return seconds;
  }

  private static double[] restarts(List<ServiceProcess> processes, Span within) {
    List<Double> restarts = new ArrayList<>();
    for (ServiceProcess process : processes) {
      long ended = 0;
      for (Moment moment : process.history()) {
        if (moment.change() == Change.ENDED && within.contains(moment.nanos())) {
          ended = moment.nanos();
        } else if (moment.change() == Change.READY && ended != 0) {
          restarts.add((moment.nanos() - ended) / 1e6);
          ended = 0;
        }
      }
    }
    double[] all = restarts.stream().mapToDouble(Double::doubleValue).toArray();
    return new double[]{median(all), Arrays.stream(all).max().orElse(0)};
  }

  static double median(double[] samples) {
    if (samples.length == 0) {
      return 0;
    }
    double[] sorted = samples.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
