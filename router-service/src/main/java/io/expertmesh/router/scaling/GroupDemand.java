package io.expertmesh.router.scaling;

import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.LoadReport;
import io.expertmesh.router.load.RateWindow;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** What the replicas of a group had to do in the last seconds, those that have gone since included. */
final class GroupDemand {
  /** Long enough to be steady. */
  static final int SECONDS = 15;
  /** Counts alone when it was so much busier than all of them: a load that has just come is met sooner. */
  static final int RECENT_SECONDS = 5;
  private static final double JUST_COME = 1.5;

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

  private int seconds(long nanos) {
    boolean justCome = busyMicros.perSecond(nanos, RECENT_SECONDS) > JUST_COME * busyMicros.perSecond(nanos, SECONDS);
    return justCome ? RECENT_SECONDS : SECONDS;
  }

  double rowsPerSecond(long nanos) {
    return rows.perSecond(nanos, seconds(nanos));
  }

  /** How many replicas would have computed all the time. */
  double busyReplicas(long nanos) {
    return busyMicros.perSecond(nanos, seconds(nanos)) / 1e6;
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
