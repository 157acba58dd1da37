package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.Hello;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.Welcome;
import io.expertmesh.transport.Fingerprints;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connection to one process of the routing table, made again whenever it breaks. Its state changes on the control
 * thread only; what other threads read of it is volatile or counted.
 */
final class ReplicaLink {
  /** What the routing table says of the process. */
  enum Standing {
    READY,
    /** It finishes what it has. */
    DRAINING,
    /** The table does not have it any more. */
    LOST
  }

  private static final Logger log = LoggerFactory.getLogger(ReplicaLink.class);
  private static final int MAX_OUTSTANDING_BATCHES = 256;
  private static final Duration WELCOME_PATIENCE = Duration.ofSeconds(3);
  private static final Duration LACKING = Duration.ofSeconds(1);
  private static final Duration AFTER_REFUSAL = Duration.ofSeconds(5);
  /** Longer than processes take to find a router that has just begun to lead, on a machine that is too busy. */
  private static final Duration STAND_IN = Duration.ofSeconds(30);
  private static final int[] RECONNECT_MILLIS = {0, 50, 100, 200, 400, 500};
  private static final int[] OPEN_MILLIS = {1000, 2000, 4000, 8000, 16_000};
  private static final CircuitBreakerConfig BREAKER = CircuitBreakerConfig.custom()
      .slidingWindow(4, 4, CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
      .failureRateThreshold(100)
      .permittedNumberOfCallsInHalfOpenState(2)
      .waitDurationInOpenState(Duration.ofDays(1)) // the link half-opens it
      .build();

  final String name;
  final String processId;
  final ReplicaCounters counters;
  final CircuitBreaker breaker;
  final Suspicion suspicion;
  private final LinkSetup setup;
  private final HeldExperts experts;
  private final AtomicInteger outstandingRows = new AtomicInteger();
  private final AtomicInteger outstandingBatches = new AtomicInteger();
  private volatile @Nullable ReplicaStream live;
  private volatile Standing standing = Standing.READY;
  private volatile String dtype = "";

  // Of the control thread.
  private Replica replica;
  private final Set<String> logged = new HashSet<>();
  private @Nullable ReplicaStream current;
  private @Nullable ReplicaStream drained;
  private int reconnects;
  private int timesOpened;
  private boolean connectPlanned;
  private long lostNanos;
  /** The table that lost it is another router's than the one that had it. */
  private boolean unknown;
  /** It answered nonsense; a replica that is only late or failing is called when there is no other. */
  private boolean distrusted;
  private boolean closed;

  ReplicaLink(Replica replica, LinkSetup setup, ReplicaCounters counters) {
    this.name = replica.getName().isEmpty() ? replica.getEndpoint() : replica.getName();
    this.processId = replica.getProcessId();
    this.replica = replica;
    this.setup = setup;
    this.counters = counters;
    this.experts = new HeldExperts(setup.fingerprint(), setup.exact(), this::mismatch);
    this.suspicion = new Suspicion(setup.control(), setup.changed(), this::live);
    this.breaker = CircuitBreaker.of(name, BREAKER);
    breaker.getEventPublisher().onStateTransition(event -> setup.control().execute(this::breakerChanged));
  }

  // What callers ask, on any thread.

  /** The stream that takes batches, if there is one. */
  @Nullable
  ReplicaStream live() {
    ReplicaStream stream = live;
    return stream == null || stream.isEnded() ? null : stream;
  }

  int outstandingRows() {
    return outstandingRows.get();
  }

  /**
   * Takes a place for a batch, which ends with {@link #release} and a word to the breaker.
   *
   * @return false if there is no room
   */
  boolean admit(ReplicaStream stream, int rows) {
    int before = outstandingRows.getAndAdd(rows);
    boolean room = before == 0 || (long) before + rows <= stream.maxOutstandingRows();
    if (room && outstandingBatches.incrementAndGet() <= MAX_OUTSTANDING_BATCHES) {
      if (breaker.tryAcquirePermission()) {
        return true;
      }
      room = true;
    }
    if (room) {
      outstandingBatches.decrementAndGet();
    }
    outstandingRows.addAndGet(-rows);
    return false;
  }

  void release(Attempt attempt) {
    outstandingRows.addAndGet(-attempt.rows);
    if (outstandingBatches.decrementAndGet() == 0 && standing != Standing.READY) {
      setup.control().execute(setup.changed());
    }
  }

  /** It answers nonsense: its breaker opens. */
  void distrust(String reason) {
    setup.control().execute(() -> {
      logOnce(reason);
      distrusted = true;
      if (breaker.getState() != CircuitBreaker.State.OPEN) {
        breaker.transitionToOpenState();
      }
    });
  }

  /** Why its experts, or some of them, are not used: they are not this gateway's. Null if they are. */
  @Nullable
  String refusal() {
    return experts.refusal();
  }

  /** The type that it holds experts in, such as {@code q8_0}. */
  String dtype() {
    return dtype;
  }

  /** How often the table had news of it. */
  int news() {
    return experts.news();
  }

  /**
   * It does not hold these experts, whatever the table says; until the table has news of it, or a while has passed.
   *
   * @param newsWhenAsked an answer to what was asked before the last news says nothing about what it holds since
   */
  void lacks(Set<Integer> ids, int newsWhenAsked) {
    setup.control().execute(() -> {
      experts.lacks(ids, newsWhenAsked);
      setup.changed().run();
      setup.control().later(LACKING.toMillis(), () -> {
        if (experts.lacksNoMore(ids, newsWhenAsked)) {
          setup.changed().run();
        }
      });
    });
  }

  /** It takes nothing new on this stream. */
  void drains(ReplicaStream stream) {
    setup.control().execute(() -> {
      drained = stream;
      setup.changed().run();
    });
  }

  void welcomed(ReplicaStream stream, Welcome welcome) {
    setup.control().execute(() -> {
      if (stream == current && !stream.isEnded()) {
        welcome(stream, welcome);
      }
    });
  }

  void ended(ReplicaStream stream, String reason, boolean refused) {
    setup.control().execute(() -> lostStream(stream, reason, refused));
  }

  // What follows runs on the control thread.

  Standing standing() {
    return standing;
  }

  /** Whether the table says of it what it said before. */
  boolean isAs(Replica entry) {
    return standing != Standing.LOST && replica.equals(entry);
  }

  /** What the table says now. */
  void update(Replica entry) {
    replica = entry;
    dtype = Fingerprints.heldDtype(entry.getFingerprint());
    drained = null;
    standing = entry.getState() == ReplicaState.REPLICA_STATE_DRAINING ? Standing.DRAINING : Standing.READY;
    experts.listed(entry.getFingerprint(), entry.getExpertIdsList(), current != null && live != null);
    connect();
  }

  /**
   * The table has it no more: what it computes is asked of others too.
   *
   * @param byAnotherRouter whether the table is of another router, which may not know it yet
   */
  void lost(boolean byAnotherRouter) {
    if (standing != Standing.LOST) {
      unknown = byAnotherRouter && standing == Standing.READY;
      standing = Standing.LOST;
      lostNanos = System.nanoTime();
      setup.control().later(STAND_IN.toMillis(), setup.changed());
    }
  }

  /** Whether it is kept, although the table has lost it, in case that those who hold the same go too. */
  boolean mayStandIn() {
    return live() != null && System.nanoTime() - lostNanos < STAND_IN.toNanos();
  }

  /** Batches that are not answered. */
  List<Attempt> inFlight() {
    return current == null ? List.of() : List.copyOf(current.inFlight());
  }

  /** Why none of its experts can be used; null if some can, or nobody knows yet. */
  @Nullable
  String rejection() {
    return experts.rejection();
  }

  /** Experts that it can be asked for now. */
  Set<Integer> experts() {
    return isAskable() ? experts.held() : Set.of();
  }

  /**
   * Lets calls through although its breaker is open, if it holds some of {@code missing} and has not answered nonsense.
   *
   * @return whether it can be asked for more than before
   */
  boolean callAsLastResort(Set<Integer> missing) {
    if (breaker.getState() == CircuitBreaker.State.OPEN && !distrusted && standing != Standing.DRAINING
        && live() != null && live() != drained && !Collections.disjoint(experts.held(), missing)) {
      breaker.transitionToHalfOpenState();
      return true;
    }
    return false;
  }

  /** Whether others are preferred: an answer is overdue, or the table does not have it. */
  boolean isSecondChoice() {
    return suspicion.isSuspect() || standing != Standing.READY;
  }

  /** Whether it can be called: the table has it, or is of a router that has had little time to hear of it. */
  boolean isServing() {
    return standing == Standing.READY || (standing == Standing.LOST && unknown && mayStandIn());
  }

  /** Experts that it can still be asked for while those to whom the table gives them are not connected. */
  Set<Integer> standIns() {
    if (!isAskable()) {
      return Set.of();
    }
    return standing == Standing.LOST ? experts.held() : experts.former();
  }

  /** Experts that it can be asked for as soon as its first connection stands. */
  Set<Integer> promised() {
    return wanted() && live == null && reconnects == 0 ? experts.offered() : Set.of();
  }

  private boolean isAskable() {
    ReplicaStream stream = live();
    return stream != null && stream != drained && standing != Standing.DRAINING
        && breaker.getState() != CircuitBreaker.State.OPEN;
  }

  private void mismatch(String problem) {
    counters.failed(FailureKind.FINGERPRINT);
    logOnce(problem);
  }

  private void logOnce(String problem) {
    if (logged.add(problem) && logged.size() < 100) {
      log.warn("Replica {} at {}: {}", name, replica.getEndpoint(), problem);
    }
  }

  private boolean wanted() {
    return !closed && standing == Standing.READY && !experts.offered().isEmpty();
  }

  private void connect() {
    if (!wanted() || current != null || connectPlanned) {
      return;
    }
    ReplicaStream stream = new ReplicaStream(this, setup.connect().apply(replica.getEndpoint()));
    current = stream;
    Fingerprint.Builder fingerprint = setup.fingerprint().toBuilder().clearExpertDigests();
    for (int id : experts.offered()) {
      fingerprint.putExpertDigests(id, setup.fingerprint().getExpertDigestsOrThrow(id));
    }
    stream.open(Hello.newBuilder().setGateway(setup.gateway()).setFingerprint(fingerprint).setWireDtype(setup.wire())
        .build());
    setup.control().later(WELCOME_PATIENCE.toMillis(), () -> {
      if (stream == current && stream != live) {
        stream.end("no welcome in " + WELCOME_PATIENCE.toSeconds() + " s");
      }
    });
  }

  private void welcome(ReplicaStream stream, Welcome welcome) {
    if (!experts.welcomed(welcome.getFingerprint())) {
      stream.end("it holds nothing that this gateway can use");
      return;
    }
    stream.welcomed(welcome.getLimits());
    reconnects = 0;
    suspicion.clear();
    live = stream;
    log.info("Replica {} at {} is connected", name, replica.getEndpoint());
    setup.changed().run();
  }

  private void lostStream(ReplicaStream stream, String reason, boolean refused) {
    if (stream != current) {
      return;
    }
    current = null;
    suspicion.clear();
    if (refused) {
      experts.refused(reason);
      mismatch("it refuses this gateway: " + reason);
    } else if (live == stream && !closed) {
      log.warn("Replica {} at {} is gone: {}", name, replica.getEndpoint(), reason);
    } else if (!closed) {
      logOnce("not reached: " + reason);
    }
    live = null;
    setup.changed().run();
    if (wanted()) {
      long delay = refused
          ? AFTER_REFUSAL.toMillis()
          : RECONNECT_MILLIS[Math.min(reconnects++, RECONNECT_MILLIS.length - 1)];
      connectPlanned = true;
      setup.control().later(delay, () -> {
        connectPlanned = false;
        connect();
      });
    }
  }

  private void breakerChanged() {
    switch (breaker.getState()) {
      case OPEN -> {
        long wait = OPEN_MILLIS[Math.min(timesOpened++, OPEN_MILLIS.length - 1)];
        log.warn("Replica {} at {} gets no calls for {} ms: it failed or was late again and again", name,
            replica.getEndpoint(), wait);
        setup.control().later(wait, () -> {
          if (breaker.getState() == CircuitBreaker.State.OPEN) {
            breaker.transitionToHalfOpenState();
          }
        });
      }
      case CLOSED -> {
        timesOpened = 0;
        distrusted = false;
      }
      default -> {
      }
    }
    setup.changed().run();
  }

  /** Nothing is expected of it any more. */
  void close(String reason) {
    closed = true;
    if (current != null) {
      current.end(reason);
    }
  }
}
