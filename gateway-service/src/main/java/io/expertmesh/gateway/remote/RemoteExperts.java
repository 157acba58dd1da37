package io.expertmesh.gateway.remote;

import io.expertmesh.engine.experts.CallOrigin;
import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.engine.experts.ExpertCall;
import io.expertmesh.engine.experts.ExpertClient;
import io.expertmesh.engine.experts.SleepingExperts;
import io.expertmesh.model.family.ModelFingerprint;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.RoutingTable;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.transport.Fingerprints;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Experts in other processes. A call sends the rows of each group of experts to one of its replicas, or divides them
 * among several; what fails goes at once to another, what is late is asked of another too. One thread looks at the clock and keeps the links; answers are unpacked
 * on the network's threads.
 */
public final class RemoteExperts implements ExpertClient, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RemoteExperts.class);
  private static final long TICK_MILLIS = 5;
  /** Less than the router's patience with gateways. */
  private static final Duration MOVING = Duration.ofSeconds(2);
  /** How long the clock goes on between two calls, so that calls need not start it. */
  private static final int IDLE_TICKS = 40;
  private static final int MOST_REFUSALS = 3;

  private final String version;
  private final int hiddenSize;
  private final RemoteSettings settings;
  private final ControlThread control;
  private final RoutingTables tables;
  private final Replicas replicas;
  private final RemoteCounters counters = new RemoteCounters();
  private final HedgeDelay hedgeDelay = new HedgeDelay();
  private final ComputeTime computeTime = new ComputeTime();
  private final Set<LayerCall> active = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean ticking = new AtomicBoolean();
  private final AtomicInteger rotation = new AtomicInteger();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private int idleTicks;
  private volatile boolean closed;
  /** Of the thread that runs steps. */
  private Set<Integer> wanted = Set.of();

  private RemoteExperts(String gateway, ModelFingerprint model, int hiddenSize, RemoteSettings settings,
      RoutingTables tables, Function<String, ManagedChannel> connect) {
    this.tables = tables;
    this.version = model.version();
    this.hiddenSize = hiddenSize;
    this.settings = settings;
    this.control = new ControlThread("expertmesh-experts");
    int experts = model.expertDigests().size();
    LinkSetup setup = new LinkSetup(gateway,
        Fingerprints.toProto(model, IntStream.range(0, experts).boxed().toList()), settings.wire().dtype, connect,
        control, this::linksChanged);
    this.replicas = new Replicas(experts, setup, counters);
  }

  /**
   * Connects to the replicas of {@code tables}, now and later.
   *
   * @param gateway this gateway's name
   * @param model the fingerprint that replicas must match
   * @param tables stays the caller's
   * @param connect opens a channel to host:port that runs callbacks at once, on the network's threads
   */
  public static RemoteExperts start(String gateway, ModelFingerprint model, int hiddenSize, RemoteSettings settings,
      RoutingTables tables, Function<String, ManagedChannel> connect) {
    RemoteExperts experts = new RemoteExperts(gateway, model, hiddenSize, settings, tables, connect);
    tables.follow(experts::follow);
    return experts;
  }

  /**
   * Returns when calls go by the table. The router hears of that, lets processes give up the experts that others have now,
   * and says of new processes that they may take the place of others, so connections to these must stand, unless they
   * take too long.
   */
  private void follow(RoutingTable table) {
    control.await(() -> {
      replicas.update(table);
      linksChanged();
    });
    long end = System.nanoTime() + MOVING.toNanos();
    while (replicas.isMoving() && !closed && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Waits until every expert has a replica or sleeps; false if that takes longer than {@code timeout}. */
  public boolean awaitAll(Duration timeout) throws InterruptedException {
    CountDownLatch complete = new CountDownLatch(1);
    Runnable look = () -> {
      if (replicas.asleep().containsAll(unavailable())) {
        complete.countDown();
      }
    };
    listeners.add(look);
    try {
      look.run();
      return complete.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } finally {
      listeners.remove(look);
    }
  }

  @Override
  public ExpertCall forward(int layer, DispatchPlan plan, float[] hidden, float[] outputs) {
    return forward(layer, plan, hidden, outputs, CallOrigin.NONE);
  }

  @Override
  public ExpertCall forward(int layer, DispatchPlan plan, float[] hidden, float[] outputs, CallOrigin origin) {
    if (plan.rows() == 0) {
      return List::of;
    }
    LayerCall call = new LayerCall(this, layer, plan, hidden, outputs, origin,
        System.nanoTime() + settings.deadline().toNanos());
    active.add(call);
    counters.called(plan);
    if (ticking.compareAndSet(false, true)) {
      control.later(TICK_MILLIS, this::tick);
    }
    call.start();
    if (closed) {
      call.giveUp("the gateway stops");
    }
    return call;
  }

  @Override
  public Set<Integer> unavailable() {
    return holders().unavailable();
  }

  @Override
  public SleepingExperts sleeping() {
    Set<Integer> asleep = replicas.asleep();
    return asleep.isEmpty()
        ? SleepingExperts.NONE
        : new SleepingExperts(asleep, settings.wakeTimeout(), settings.wakeRequests());
  }

  @Override
  public void want(Set<Integer> experts) {
    if (!experts.equals(wanted)) {
      wanted = Set.copyOf(experts);
      tables.want(this, wanted);
    }
  }

  @Override
  public int microBatches() {
    return settings.microBatches();
  }

  @Override
  public void onAvailabilityChange(Runnable listener) {
    listeners.add(listener);
  }

  /** What went over the network so far. */
  public ExpertTraffic traffic() {
    return counters.traffic();
  }

  /** Why replicas are not used that are there, such as {@code expert-0-0: shape is ...}; a few of them. */
  List<String> refusals() {
    return replicas.links().stream().filter(link -> link.refusal() != null)
        .map(link -> link.name + ": " + link.refusal()).limit(MOST_REFUSALS).toList();
  }

  /** Gives up what runs and disconnects. */
  @Override
  public void close() {
    closed = true;
    control.execute(() -> {
      replicas.close();
      active.forEach(call -> call.giveUp("the gateway stops"));
    });
    control.close();
  }

  // For calls.

  Holders holders() {
    return replicas.holders();
  }

  int hiddenSize() {
    return hiddenSize;
  }

  DType wire() {
    return settings.wire().dtype;
  }

  HedgeDelay hedgeDelay() {
    return hedgeDelay;
  }

  ComputeTime computeTime() {
    return computeTime;
  }

  int nextRotation() {
    return rotation.getAndIncrement();
  }

  void sending(Attempt attempt) {
    switch (attempt.cause) {
      case FIRST -> {
      }
      case RETRY -> attempt.link.counters.retries.increment();
      case HEDGE -> attempt.link.counters.hedges.increment();
    }
  }

  void answered(Attempt attempt, ExpertResult answer, boolean used) {
    int together = Math.max(attempt.rows, answer.getComputedRows());
    computeTime.record(together, TimeUnit.MICROSECONDS.toNanos(answer.getComputeMicros()));
    if (used && attempt.cause == Attempt.Cause.HEDGE) {
      attempt.link.counters.hedgeWins.increment();
    }
  }

  void ended(LayerCall call) {
    active.remove(call);
  }

  void lost(int experts) {
    counters.lost(experts);
  }

  /** The connections, as they are. */
  List<ReplicaLink> links() {
    return replicas.links();
  }

  /** Of the routing table in use. */
  TableVersion tableVersion() {
    return replicas.version();
  }

  RemoteCounters counters() {
    return counters;
  }

  /** Calls that have not ended. */
  int activeCalls() {
    return active.size();
  }

  // On the control thread.

  private void linksChanged() {
    tables.refuse(this, replicas.refused());
    Set<Integer> asleep = replicas.asleep();
    boolean changed = replicas.recompute();
    if (changed) {
      log.info("Version {}: experts without a replica: {}", version,
          unavailable().isEmpty() ? "none" : unavailable().stream().sorted().toList());
    }
    if (changed || !asleep.equals(replicas.asleep())) {
      listeners.forEach(Runnable::run);
    }
  }

  private void tick() {
    long now = System.nanoTime();
    for (LayerCall call : active) {
      try {
        call.tick(now);
      } catch (RuntimeException e) {
        log.error("a call of experts is given up", e);
        call.giveUp("a defect: " + e);
      }
    }
    idleTicks = active.isEmpty() ? idleTicks + 1 : 0;
    if (idleTicks >= IDLE_TICKS) {
      idleTicks = 0;
      ticking.set(false);
      if (active.isEmpty() || !ticking.compareAndSet(false, true)) {
        return;
      }
    }
    control.later(TICK_MILLIS, this::tick);
  }
}
