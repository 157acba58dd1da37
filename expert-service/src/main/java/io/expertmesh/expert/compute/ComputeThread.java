package io.expertmesh.expert.compute;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.RejectionReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The thread that computes, with the pool that helps it. */
public final class ComputeThread implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ComputeThread.class);

  /** Long enough for the next kernel of the same batch; then the cores are for others, such as a gateway beside. */
  private static final Duration SPIN = Duration.ofNanos(20_000);

  private final BatchQueue queue;
  private final Speed speed;
  private final LoadCounters load;
  private final ExpertMetrics metrics;
  private final WorkerPool pool;
  private final MergedBatch merged;
  private final Thread thread;

  ComputeThread(BatchLimits limits, BatchQueue queue, Speed speed, LoadCounters load, ExpertMetrics metrics,
      Kernels kernels, int threads) {
    this.queue = queue;
    this.speed = speed;
    this.load = load;
    this.metrics = metrics;
    this.pool = new WorkerPool(threads, SPIN);
    this.merged = new MergedBatch(limits, pool, new FeedForwardRunner(kernels, pool));
    this.thread = Thread.ofPlatform().name("expert-compute").start(this::run);
  }

  private void run() {
    List<Batch> batches = new ArrayList<>();
    try {
      while (queue.take(batches)) {
        compute(batches);
        batches.clear();
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } finally {
      // Also if it ends of an error: whoever waits must not wait for ever.
      String why = "the process has stopped computing";
      queue.refuse(RejectionReason.REJECTION_REASON_FAILED, why);
      batches.addAll(queue.close());
      reject(batches, RejectionReason.REJECTION_REASON_FAILED, why);
    }
  }

  private void compute(List<Batch> batches) {
    long start = System.nanoTime();
    for (Iterator<Batch> all = batches.iterator(); all.hasNext();) {
      Batch batch = all.next();
      if (batch.isTooLate(start)) {
        all.remove();
        reject(List.of(batch), RejectionReason.REJECTION_REASON_DEADLINE,
            "it waited for %d us, longer than the gateway waits".formatted((start - batch.arrivedNanos) / 1000));
      }
    }
    if (batches.isEmpty()) {
      return;
    }
    try {
      merged.compute(batches);
    } catch (RuntimeException | OutOfMemoryError failure) {
      log.error("{} batches of layer {} failed", batches.size(), batches.getFirst().layer, failure);
      reject(batches, RejectionReason.REJECTION_REASON_FAILED, "the computation failed; the process's log has more");
      return;
    }
    answer(batches, start, System.nanoTime());
  }

  private void answer(List<Batch> batches, long start, long end) {
    int rows = 0;
    int segment = 0;
    for (Batch batch : batches) {
      long queued = start - batch.arrivedNanos;
      load.add(batch, queued);
      metrics.computed(batch.rows(), queued);
      ExpertResult result = ExpertResult.newBuilder()
          .setId(batch.id)
          .setOutputs(merged.outputs(batch, segment))
          .setQueueMicros(queued / 1000)
          .setComputeMicros((end - start) / 1000)
          .build();
      batch.owner.computed(batch, result);
      rows += batch.rows();
      segment += batch.expertIds.length;
    }
    metrics.ran(end - start);
    speed.saw(rows, end - start);
  }

  private static void reject(List<Batch> batches, RejectionReason reason, String message) {
    for (Batch batch : batches) {
      batch.owner.rejected(batch, reason, message);
    }
  }

  /** Stops after what is being computed; what waits is rejected. */
  @Override
  public void close() {
    reject(queue.close(), RejectionReason.REJECTION_REASON_DRAINING, "the process stops");
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    pool.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
