package io.expertmesh.expert.compute;

import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.family.ModelExperts;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.ExpertLimits;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.LoadReport;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.transport.Fingerprints;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the process is, what it holds, and how it is doing. */
public final class ExpertProcess {
  private static final Logger log = LoggerFactory.getLogger(ExpertProcess.class);

  /** What routers take. */
  private static final int MOST_OF_A_FAILURE = 300;

  private final String id = UUID.randomUUID().toString();
  private final BatchLimits limits;
  private final ExpertHolding holding;
  private final Speed speed = new Speed();
  private final BatchQueue queue;
  private final LoadCounters load;
  private final ExpertMetrics metrics = new ExpertMetrics();
  private final ExpertDevice device;
  private final String dtype;
  private final List<Consumer<ProcessState>> listeners = new CopyOnWriteArrayList<>();
  private volatile ProcessState state = ProcessState.PROCESS_STATE_LOADING;
  private volatile String failure = "";
  private volatile @Nullable ModelFingerprint fingerprint;

  public ExpertProcess(ModelExperts model, ExpertDevice device, BatchLimits limits) {
    this.limits = limits;
    this.queue = new BatchQueue(limits, speed);
    this.holding = new ExpertHolding(model, device, queue);
    this.load = new LoadCounters(limits);
    this.device = device;
    this.dtype = model.heldDtype();
    metrics.gauge("queued.rows", "Rows that wait", queue::queuedRows);
    metrics.gauge("rows.per.second", "Rows a second that a realistic batch reaches", speed::rowsPerSecond);
    metrics.gauge("held", "Experts that the process holds, each in all layers", () -> holding.ids().size());
    metrics.weights(dtype, () -> holding.ids().stream().mapToLong(model::bytes).sum());
    metrics.gauge("ready", "1 if the process serves", () -> isReady() ? 1 : 0);
    metrics.gauge("failed", "1 if the device has failed and the process serves no more",
        () -> failure.isEmpty() ? 0 : 1);
  }

  /**
   * Starts the thread that computes, which closes the device and the pool when it ends.
   *
   * @param pool whose threads help it
   */
  public ComputeThread startComputing(WorkerPool pool) {
    return new ComputeThread(limits, queue, speed, load, metrics, device, pool, this::fail);
  }

  /** Unique to this process. */
  public String id() {
    return id;
  }

  public BatchLimits limits() {
    return limits;
  }

  public ExpertHolding holding() {
    return holding;
  }

  public Speed speed() {
    return speed;
  }

  public BatchQueue queue() {
    return queue;
  }

  public ExpertMetrics metrics() {
    return metrics;
  }

  /** Such as {@code cpu vector-512}. */
  public String backend() {
    return device.name();
  }

  /** The type that experts are held in, such as {@code q8_0}. */
  public String dtype() {
    return dtype;
  }

  /** Why it is FAILED, for people; empty if it is not. */
  public String failure() {
    return failure;
  }

  public ProcessState state() {
    return state;
  }

  public boolean isReady() {
    return state == ProcessState.PROCESS_STATE_READY;
  }

  /** Changes the state and tells the listeners. */
  public synchronized void enter(ProcessState next) {
    state = next;
    listeners.forEach(listener -> listener.accept(next));
  }

  /** It computes nothing any more. */
  private void fail(String why) {
    log.error("{}; the process serves no more", why);
    String line = why.replaceAll("\\p{Cntrl}+", " ");
    failure = line.substring(0, Math.min(line.length(), MOST_OF_A_FAILURE));
    if (state != ProcessState.PROCESS_STATE_DRAINING) {
      enter(ProcessState.PROCESS_STATE_FAILED);
    }
  }

  /** Calls {@code listener} whenever the state has changed. */
  public void onChange(Consumer<ProcessState> listener) {
    listeners.add(listener);
  }

  /** It is known once the checkpoint was read. */
  public void identify(ModelFingerprint model) {
    fingerprint = model;
  }

  /** With the digests of {@code ids}; empty while the checkpoint is being read. */
  public Fingerprint fingerprint(Iterable<Integer> ids) {
    ModelFingerprint known = fingerprint;
    return known == null ? Fingerprint.getDefaultInstance() : Fingerprints.toProto(known, ids);
  }

  /** With the digests of all experts of the model. */
  public Fingerprint wholeFingerprint() {
    return fingerprint(IntStream.range(0, limits.experts()).boxed().toList());
  }

  /** What happened since this was asked last. */
  public LoadReport loadReport() {
    return load.report(queue.queuedRows());
  }

  public ExpertLimits protoLimits() {
    return ExpertLimits.newBuilder().setMaxRows(limits.maxRows()).setMaxQueuedRows(limits.maxQueuedRows()).build();
  }

  public DescribeResponse describe() {
    List<Integer> ids = holding.ids();
    return DescribeResponse.newBuilder()
        .setProcessId(id)
        .setState(state)
        .setFingerprint(fingerprint(ids))
        .addAllExpertIds(ids)
        .setLimits(protoLimits())
        .setBackend(device.name())
        .setRowsPerSecond(speed.rowsPerSecond())
        .setQueuedRows(queue.queuedRows())
        .setFailure(failure)
        .build();
  }
}
