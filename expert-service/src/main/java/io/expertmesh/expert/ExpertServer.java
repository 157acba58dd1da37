package io.expertmesh.expert;

import io.expertmesh.expert.compute.BatchLimits;
import io.expertmesh.expert.compute.ComputeThread;
import io.expertmesh.expert.compute.ExpertProcess;
import io.expertmesh.expert.compute.LoadedExperts;
import io.expertmesh.expert.compute.WarmUp;
import io.expertmesh.expert.grpc.ForwardService;
import io.expertmesh.expert.http.StatusEndpoint;
import io.expertmesh.expert.registration.RouterLink;
import io.expertmesh.expert.trace.BatchSpans;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.device.DeviceRequest;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.device.ExpertDevices;
import io.expertmesh.model.family.ModelExperts;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.RejectionReason;
import io.expertmesh.telemetry.Telemetry;
import io.expertmesh.transport.ForwardMethod;
import io.expertmesh.transport.GrpcServer;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running process: what it holds, its servers, and its link to the router. */
public final class ExpertServer implements AutoCloseable {
  /** What the standard health service is asked for to hear whether gateways know of the process. */
  public static final String IN_SERVICE = "in-service";

  private static final Logger log = LoggerFactory.getLogger(ExpertServer.class);
  /** Long enough for the next kernel of the same batch; then the cores are for others, such as a gateway beside. */
  private static final Duration SPIN = Duration.ofNanos(20_000);
  /** What gateways had sent before they heard of the drain, or of the first rejection, has come by then. */
  private static final Duration QUIET = Duration.ofMillis(50);

  private final ExpertConfiguration configuration;
  private final ExpertDevice device;
  private final ModelExperts model;
  private final ExpertProcess process;
  private final ForwardService service;
  private final ComputeThread compute;
  private final GrpcServer grpc;
  private final StatusEndpoint http;
  private final WarmUp warmUp;
  private final ScheduledExecutorService housekeeping = Executors.newSingleThreadScheduledExecutor(
      Thread.ofPlatform().daemon().name("expert-housekeeping").factory());
  private volatile @Nullable AssignedExperts assigned;
  private volatile @Nullable RouterLink router;
  /** What the router said last of whether gateways call the process. */
  private volatile boolean inService;
  /** Whether an operator keeps calls away from it. */
  private volatile boolean drained;
  /** What the router said last of whether gateways know that it drains. */
  private volatile boolean released;
  /** Why no gateway uses the process; empty if one does or nobody knows. */
  private volatile String refusal = "";
  /** Gateways know that the process is ready; stays so when the router goes. */
  private volatile boolean known;

  private ExpertServer(ExpertConfiguration configuration, ModelExperts model, BatchLimits limits, ExpertDevice device,
      WorkerPool pool, Telemetry telemetry) {
    this.configuration = configuration;
    this.model = model;
    this.device = device;
    this.process = new ExpertProcess(model, device, limits);
    this.compute = process.startComputing(pool);
    this.warmUp = new WarmUp(model, device, compute);
    this.service = new ForwardService(process, configuration.unreadTimeout(), new BatchSpans(telemetry));
    try {
      this.grpc = GrpcServer.start(configuration.host(), configuration.port(), configuration.security(), Runnable::run,
          List.of(ForwardMethod.serve(service)));
    } catch (RuntimeException failure) {
      compute.close();
      throw failure;
    }
    try {
      this.http = StatusEndpoint.start(configuration.host(), configuration.httpPort(), process, this::registeredWith,
          () -> process.isReady() && known, () -> refusal);
    } catch (RuntimeException failure) {
      grpc.close();
      compute.close();
      throw failure;
    }
    process.metrics().refusedCallers(grpc.refusedCallers());
    grpc.serving(IN_SERVICE, false);
    process.onChange(state -> {
      grpc.serving(state == ProcessState.PROCESS_STATE_READY);
      announce();
    });
    long period = Math.max(10, configuration.unreadTimeout().toMillis() / 5);
    var _ = housekeeping.scheduleWithFixedDelay(service::dropUnread, period, period, TimeUnit.MILLISECONDS);
  }

  /**
   * Listens, loads and checks the experts, and returns when they can be called; one that takes assignments, when it can
   * take them. It registers with the router as soon as it listens.
   *
   * @throws io.expertmesh.model.failure.FailureException if the configuration, the checkpoint or an address cannot be
   *     used, the device cannot be opened or has no room for the experts, or it does not compute what the reference does
   */
  public static ExpertServer start(ExpertConfiguration configuration, Checkpoint checkpoint) {
    return start(configuration, checkpoint, Telemetry.off());
  }

  /**
   * As {@link #start(ExpertConfiguration, Checkpoint)}.
   *
   * @param telemetry where its spans go; stays the caller's
   */
  public static ExpertServer start(ExpertConfiguration configuration, Checkpoint checkpoint, Telemetry telemetry) {
    return start(configuration, checkpoint, telemetry,
        request -> ExpertDevices.open(configuration.backend(), request));
  }

  /** With another way to open the device. */
  static ExpertServer start(ExpertConfiguration configuration, Checkpoint checkpoint, Telemetry telemetry,
      Function<DeviceRequest, ExpertDevice> devices) {
    ModelExperts model = ModelExperts.of(checkpoint, KernelSelection.kernels())
        .heldAs(configuration.dtype(), configuration.numerics());
    configuration.experts().initially(model.experts());
    BatchLimits limits = BatchLimits.of(model.architecture(), configuration.maxQueuedRows());
    WorkerPool pool = new WorkerPool(configuration.threads(), SPIN);
    ExpertDevice device;
    try {
      device = devices.apply(new DeviceRequest(configuration.device(), configuration.numerics(), model.architecture(),
          limits.maxRows(), pool));
    } catch (RuntimeException failure) {
      pool.close();
      throw failure;
    }
    ExpertServer server = new ExpertServer(configuration, model, limits, device, pool, telemetry);
    try {
      server.load();
    } catch (RuntimeException failure) {
      server.stop();
      throw failure;
    }
    return server;
  }

  private void load() {
    if (configuration.takesAssignments()) {
      assigned = new AssignedExperts(process, warmUp, configuration.maxExperts());
    }
    if (!configuration.routers().isEmpty()) {
      startRegistering();
    }
    process.identify(ModelFingerprint.of(model, device.numerics(), device.numerics(), configuration.version()));
    List<Integer> ids = configuration.experts().initially(model.experts());
    LoadedExperts loaded = process.holding().load(ids.isEmpty() ? List.of(0) : ids);
    if (!ids.isEmpty()) {
      process.holding().add(loaded);
    }
    process.enter(ProcessState.PROCESS_STATE_WARMING);
    warmUp.check(loaded);
    warmUp.measure(loaded, process.speed());
    if (ids.isEmpty()) {
      process.holding().discard(loaded);
    }
    process.enter(ProcessState.PROCESS_STATE_READY);
    log.info("Ready: {} as {} on {}, {} rows/s, {}", process.holding(), process.dtype(), process.backend(),
        Math.round(process.speed().rowsPerSecond()), grpc.endpoint());
  }

  private void startRegistering() {
    if (configuration.isOutOfReach()) {
      log.warn("Gateways on other machines cannot reach {}: give --host and --advertise",
          configuration.advertised(grpc.port()));
    }
    AssignedExperts taking = assigned;
    RouterLink link = new RouterLink(configuration.routers(), configuration.security(), this::report,
        assignment -> {
          if (taking != null) {
            taking.assign(assignment, this::reportNow);
          }
        }, answer -> {
          // A router that does not know whether gateways do has at least heard of the process.
          inService = !answer.hasInService() || answer.getInService();
          drained = answer.getDrained();
          released = answer.getReleased();
          refused(answer.getRefusal());
          announce();
        });
    router = link;
    process.onChange(state -> link.reportNow());
  }

  private void refused(String reason) {
    if (!reason.equals(refusal)) {
      if (reason.isEmpty()) {
        log.info("Gateways use this process now");
      } else {
        log.warn("No gateway uses this process: {}", reason);
      }
      refusal = reason;
    }
  }

  /**
   * Says whether gateways know of the process, which whoever replaces one process by another has to wait for. Once that
   * is so it stays so without a router: gateways go on with the table that they have.
   */
  private void announce() {
    boolean ready = process.isReady();
    if (ready && (configuration.routers().isEmpty() || (registeredWith() != null && inService))) {
      known = true;
    }
    grpc.serving(IN_SERVICE, ready && known);
  }

  private void reportNow() {
    RouterLink link = router;
    if (link != null) {
      link.reportNow();
    }
  }

  private RegisterRequest report() {
    AssignedExperts taking = assigned;
    List<Integer> ids = process.holding().ids();
    return RegisterRequest.newBuilder()
        .setProcessId(process.id())
        .setName(configuration.name())
        .setEndpoint(configuration.advertised(grpc.port()))
        .setHttp("http://" + configuration.advertised(http.port()))
        .setPid(Math.toIntExact(ProcessHandle.current().pid()))
        .setState(process.state())
        .setDrained(drained)
        // A router that places experts must know of those that nobody holds yet.
        .setFingerprint(taking == null ? process.fingerprint(ids) : process.wholeFingerprint())
        .addAllExpertIds(ids)
        .setTakesAssignments(taking != null)
        .setMaxExperts(configuration.maxExperts())
        .setBackend(process.backend())
        .setRowsPerSecond(process.speed().rowsPerSecond())
        .setLoad(process.loadReport())
        .setAssignmentId(taking == null ? 0 : taking.fulfilled())
        .setFailure(process.failure())
        .build();
  }

  /** The router that has answered last; null while there is none. */
  @Nullable
  String registeredWith() {
    RouterLink link = router;
    return link == null ? null : link.registeredWith();
  }

  /** host:port of the gRPC server. */
  public String grpcEndpoint() {
    return grpc.endpoint();
  }

  /** URL of health and metrics. */
  public String httpUrl() {
    return http.url();
  }

  /** What it holds and how it is doing. */
  public ExpertProcess process() {
    return process;
  }

  /**
   * Drains: says so to the router, answers what comes until the router says that all gateways know, then what waits, and
   * stops. All of it within the configured time, of which the gateways get half.
   */
  @Override
  public void close() {
    long end = System.nanoTime() + configuration.drainTimeout().toNanos();
    log.info("Draining");
    process.enter(ProcessState.PROCESS_STATE_DRAINING);
    try {
      awaitRelease(end - configuration.drainTimeout().toNanos() / 2);
      process.queue().refuse(RejectionReason.REJECTION_REASON_DRAINING, "the process is about to stop");
      boolean done = process.queue().awaitQuiet(QUIET.toNanos(), end - System.nanoTime());
      while (done && !service.isEverythingSent() && System.nanoTime() - end < 0) {
        Thread.sleep(5);
      }
      log.info(done ? "Drained" : "Stopping with {} rows not computed", process.queue().queuedRows());
    } catch (InterruptedException impatient) {
      Thread.currentThread().interrupt();
    }
    stop();
  }

  /** Without a router nobody can tell gateways; they hear it from rejections. */
  private void awaitRelease(long end) throws InterruptedException {
    if (registeredWith() == null) {
      return;
    }
    while (!released && System.nanoTime() - end < 0) {
      Thread.sleep(5);
    }
    if (!released) {
      log.warn("No router said in time that all gateways know of the drain; stopping all the same");
    }
    boolean _ = process.queue().awaitQuiet(QUIET.toNanos(), end - System.nanoTime());
  }

  private void stop() {
    RouterLink link = router;
    if (link != null) {
      link.close();
    }
    AssignedExperts taking = assigned;
    if (taking != null) {
      taking.close();
    }
    housekeeping.shutdownNow();
    compute.close();
    process.holding().close();
    service.endStreams(Status.UNAVAILABLE.withDescription("the process stops"));
    http.close();
    try {
      grpc.shutdown(Duration.ofMillis(500));
    } catch (InterruptedException e) {
      grpc.close();
      Thread.currentThread().interrupt();
    }
  }
}
