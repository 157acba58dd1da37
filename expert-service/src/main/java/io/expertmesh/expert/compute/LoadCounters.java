package io.expertmesh.expert.compute;

import io.expertmesh.proto.v1.ExpertLoad;
import io.expertmesh.proto.v1.LoadReport;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/** What was computed since the last report, by layer and expert. */
public final class LoadCounters {
  private final int experts;
  private final AtomicLongArray rows;
  private final AtomicLong longestQueueNanos = new AtomicLong();
  private final AtomicLong busyNanos = new AtomicLong();
  private long reportedNanos = System.nanoTime();

  LoadCounters(BatchLimits limits) {
    this.experts = limits.experts();
    this.rows = new AtomicLongArray(limits.layers() * limits.experts());
  }

  void add(Batch batch, long queuedNanos) {
    for (int i = 0; i < batch.expertIds.length; i++) {
      rows.addAndGet(batch.layer * experts + batch.expertIds[i], batch.starts[i + 1] - batch.starts[i]);
    }
    longestQueueNanos.accumulateAndGet(queuedNanos, Math::max);
  }

  /** All that waited for a layer was computed in this time. */
  void ran(long nanos) {
    busyNanos.addAndGet(nanos);
  }

  /** What happened since this was asked last. */
  synchronized LoadReport report(int queuedRows) {
    long now = System.nanoTime();
    LoadReport.Builder report = LoadReport.newBuilder()
        .setWindowMicros((now - reportedNanos) / 1000)
        .setQueuedRows(queuedRows)
        .setQueueDelayMicros(longestQueueNanos.getAndSet(0) / 1000)
        .setBusyMicros(busyNanos.getAndSet(0) / 1000);
    reportedNanos = now;
    for (int i = 0; i < rows.length(); i++) {
      long count = rows.getAndSet(i, 0);
      if (count > 0) {
        report.addExperts(ExpertLoad.newBuilder().setLayer(i / experts).setExpertId(i % experts).setRows(count));
      }
    }
    return report.build();
  }
}
