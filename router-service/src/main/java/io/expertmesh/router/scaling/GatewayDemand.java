package io.expertmesh.router.scaling;

import io.expertmesh.proto.v1.GatewayLoad;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** What one gateway had to do in the last seconds, by its reports. */
public final class GatewayDemand {
  private static final long WINDOW_NANOS = Duration.ofSeconds(GroupDemand.SECONDS).toNanos();

  private record Report(long nanos, GatewayLoad load) {}

  private final Deque<Report> reports = new ArrayDeque<>();

  public void add(GatewayLoad load, long nanos) {
    reports.addLast(new Report(nanos, load));
    forget(nanos);
  }

  /** The last one counts until there is another. */
  private void forget(long nanos) {
    while (reports.size() > 1 && nanos - reports.getFirst().nanos() > WINDOW_NANOS) {
      reports.removeFirst();
    }
  }

  /** The means of its reports. */
  public GatewayNeeds needs(long nanos) {
    forget(nanos);
    if (reports.isEmpty()) {
      return GatewayNeeds.NONE;
    }
    double waiting = 0;
    double running = 0;
    double kv = 0;
    for (Report report : reports) {
      GatewayLoad load = report.load();
      waiting += load.getWaiting();
      running += (double) load.getRunning() / Math.max(1, load.getRunningLimit());
      kv += (double) load.getKvPagesUsed() / Math.max(1, load.getKvPagesTotal());
    }
    int count = reports.size();
    return new GatewayNeeds(1, waiting / count, running / count, kv / count);
  }
}
