package io.expertmesh.router.scaling;

import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.LoadReport;
import io.expertmesh.router.load.RateWindow;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** What the replicas of a group had to do in the last seconds, those that have gone since included. */
final class GroupDemand {
  /** Long enough to be steady, short enough that a new load is met within half a minute. */
  static final int SECONDS = 15;

  private record Delay(long nanos, long micros) {}

  private final RateWindow rows;
  private final RateWindow busyMicros;
  private final Deque<Delay> delays = new ArrayDeque<>();

  GroupDemand(long nanos) {
    rows = new RateWindow(nanos);
    busyMicros = new RateWindow(nanos);
  }

  /** @param speed rows a second that the process measured, for one that does not say how long it computed */
  void add(LoadReport report, double speed, long nanos) {
    long count = 0;
    for (ExpertLoad load : report.getExpertsList()) {
      count += load.getRows();
    }
    rows.add(count, nanos);
    long busy = report.getBusyMicros() > 0 || speed <= 0 ? report.getBusyMicros() : (long) (count / speed * 1e6);
    busyMicros.add(busy, nanos);
    forget(nanos);
    if (report.getQueueDelayMicros() > 0) {
      delays.add(new Delay(nanos, report.getQueueDelayMicros()));
    }
  }

  private void forget(long nanos) {
    while (!delays.isEmpty() && nanos - delays.getFirst().nanos() > Duration.ofSeconds(SECONDS).toNanos()) {
      delays.removeFirst();
    }
  }

  double rowsPerSecond(long nanos) {
    return rows.perSecond(nanos, SECONDS);
  }

  /** How many replicas would have computed all the time. */
  double busyReplicas(long nanos) {
    return busyMicros.perSecond(nanos, SECONDS) / 1e6;
  }

  /** The longest that a batch waited. */
  Duration queueDelay(long nanos) {
    forget(nanos);
    long longest = 0;
    for (Delay delay : delays) {
      longest = Math.max(longest, delay.micros());
    }
    return Duration.ofNanos(longest * 1000);
  }
}
