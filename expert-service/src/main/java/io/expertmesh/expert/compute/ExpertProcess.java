package io.expertmesh.expert.compute;

import io.expertmesh.kernels.Kernels;
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

/** What the process is, what it holds, and how it is doing. */
public final class ExpertProcess {
  private final String id = UUID.randomUUID().toString();
  private final BatchLimits limits;
  private final ExpertHolding holding;
  private final Speed speed = new Speed();
  private final BatchQueue queue;
  private final LoadCounters load;
  private final ExpertMetrics metrics = new ExpertMetrics();
  private final String backend;
  private final List<Consumer<ProcessState>> listeners = new CopyOnWriteArrayList<>();
  private volatile ProcessState state = ProcessState.PROCESS_STATE_LOADING;
  private volatile @Nullable ModelFingerprint fingerprint;

  public ExpertProcess(ModelExperts model, Kernels kernels, int maxQueuedRows) {
    this.limits = BatchLimits.of(model.architecture(), maxQueuedRows);
    this.holding = new ExpertHolding(model, kernels);
    this.queue = new BatchQueue(limits, speed);
    this.load = new LoadCounters(limits);
    this.backend = "cpu " + kernels.name();
    metrics.gauge("queued.rows", "Rows that wait", queue::queuedRows);
    metrics.gauge("rows.per.second", "Rows a second that a realistic batch reaches", speed::rowsPerSecond);
    metrics.gauge("held", "Experts that the process holds, each in all layers", () -> holding.ids().size());
    metrics.gauge("ready", "1 if the process serves", () -> isReady() ? 1 : 0);
  }

  /** Starts the thread that computes. */
  public ComputeThread startComputing(Kernels kernels, int threads) {
    return new ComputeThread(limits, queue, speed, load, metrics, kernels, threads);
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
    return backend;
  }

  public ProcessState state() {
    return state;
  }

  public boolean isReady() {
    return state == ProcessState.PROCESS_STATE_READY;
  }

  /** Changes the state and tells the listeners. */
  public void enter(ProcessState next) {
    state = next;
    listeners.forEach(listener -> listener.accept(next));
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
        .setBackend(backend)
        .setRowsPerSecond(speed.rowsPerSecond())
        .setQueuedRows(queue.queuedRows())
        .build();
  }
}
