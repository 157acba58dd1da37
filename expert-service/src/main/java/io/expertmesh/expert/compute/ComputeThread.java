package io.expertmesh.expert.compute;

import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.device.LoadedExpert;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.RejectionReason;
import io.expertmesh.telemetry.LogFields;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** The thread that computes: it alone calls the device, with the pool that helps it. */
public final class ComputeThread implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ComputeThread.class);
  private static final int MOST_REQUESTS = 8;
  private static final int LONGEST_ID = 128;

  private final BatchQueue queue;
  private final Speed speed;
  private final LoadCounters load;
  private final ExpertMetrics metrics;
  private final ExpertDevice device;
  private final WorkerPool pool;
  private final Consumer<String> onDeviceFailure;
  private final MergedBatch merged;
  private final Thread thread;
  private @Nullable FailureException deviceFailure;

  /**
   * @param device closed when the thread ends
   * @param pool likewise
   * @param onDeviceFailure hears once why the device computes nothing any more
   */
  ComputeThread(BatchLimits limits, BatchQueue queue, Speed speed, LoadCounters load, ExpertMetrics metrics,
      ExpertDevice device, WorkerPool pool, Consumer<String> onDeviceFailure) {
    this.queue = queue;
    this.speed = speed;
    this.load = load;
    this.metrics = metrics;
    this.device = device;
    this.pool = pool;
    this.onDeviceFailure = onDeviceFailure;
    this.merged = new MergedBatch(limits, pool, this::forward);
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
      device.close();
      pool.close();
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
      try (var _ = MDC.putCloseable(LogFields.REQUEST_ID, requests(batches))) {
        log.error("{} batches of layer {} failed", batches.size(), batches.getFirst().layer, failure);
      }
      reject(batches, RejectionReason.REJECTION_REASON_FAILED, "the computation failed; the process's log has more");
      return;
    }
    answer(batches, start, System.nanoTime());
  }

  /** Some of the requests that the batches are for, as a log may have them. */
  private static String requests(List<Batch> batches) {
    return batches.stream().flatMap(batch -> batch.requests.stream()).distinct().limit(MOST_REQUESTS)
        .map(id -> id.replaceAll("\\P{Graph}", "?")).map(id -> id.substring(0, Math.min(id.length(), LONGEST_ID)))
        .collect(Collectors.joining(","));
  }

  /** One step on the device. If it has failed, so has the process: it takes nothing more and rejects what waits. */
  private void forward(List<LoadedExpert> experts, int[] starts, float[] x, float[] out) {
    if (deviceFailure != null) {
      throw deviceFailure;
    }
    try {
      device.forward(experts, starts, x, out);
    } catch (FailureException failure) {
      if (failure.category() == FailureCategory.UNAVAILABLE) {
        deviceFailure = failure;
        String why = "%s has failed: %s".formatted(device.name(), failure.getMessage());
        onDeviceFailure.accept(why);
        queue.refuse(RejectionReason.REJECTION_REASON_FAILED, why);
        reject(queue.takeBack(), RejectionReason.REJECTION_REASON_FAILED, why);
      }
      throw failure;
    }
  }

  private void answer(List<Batch> batches, long start, long end) {
    int rows = 0;
    for (Batch batch : batches) {
      rows += batch.rows();
    }
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
          .setComputedRows(rows)
          .build();
      batch.owner.computed(batch, result);
      segment += batch.expertIds.length;
    }
    load.ran(end - start);
    metrics.ran(end - start);
    speed.saw(rows, end - start);
  }

  private static void reject(List<Batch> batches, RejectionReason reason, String message) {
    for (Batch batch : batches) {
      batch.owner.rejected(batch, reason, message);
    }
  }

  /**
   * Lets {@code work} use the device between two batches, and waits for it.
   *
   * @throws FailureException UNAVAILABLE if the process stops; what {@code work} threw
   */
  void use(Consumer<ExpertForward> work) {
    FutureTask<Void> task = new FutureTask<>(() -> work.accept(this::forward), null);
    if (!queue.between(task)) {
      throw stopped();
    }
    try {
      task.get();
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException(failed.getCause());
    } catch (CancellationException closed) {
      throw stopped();
    } catch (InterruptedException impatient) {
      Thread.currentThread().interrupt();
      throw stopped();
    }
  }

  private static FailureException stopped() {
    return new FailureException(FailureCategory.UNAVAILABLE, "the process stops");
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
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
