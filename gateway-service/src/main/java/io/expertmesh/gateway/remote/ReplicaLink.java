package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.DescribeRequest;
import io.expertmesh.proto.v1.DescribeResponse;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.Hello;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.Welcome;
import io.expertmesh.transport.Fingerprints;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
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
  private static final Duration PROBE_PERIOD = Duration.ofMillis(250);
  private static final Duration PROBE_PATIENCE = Duration.ofSeconds(1);
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
  private final LinkSetup setup;
  private final AtomicInteger outstandingRows = new AtomicInteger();
  private final AtomicInteger outstandingBatches = new AtomicInteger();
  private volatile @Nullable ReplicaStream live;
  private volatile boolean suspect;
  private volatile Standing standing = Standing.READY;

  private volatile int news;
  private volatile @Nullable String refusal;
  private volatile String dtype = "";

  // Of the control thread.
  private Replica replica;
  private Set<Integer> offered = Set.of();
  private Set<Integer> held = Set.of();
  /** Held until the table said that others do now. */
  private Set<Integer> former = Set.of();
  private final Set<Integer> lacking = new HashSet<>();
  private final Set<String> logged = new HashSet<>();
  private @Nullable ReplicaStream current;
  private @Nullable ReplicaStream drained;
  private int reconnects;
  private int timesOpened;
  /** Why it is used for no expert at all. */
  private @Nullable String rejection;
  private boolean connectPlanned;
  private long lostNanos;
  private boolean probing;
  /** It answered nonsense; a replica that is only late or failing is called when there is no other. */
  private boolean distrusted;
  private boolean closed;

  ReplicaLink(Replica replica, LinkSetup setup, ReplicaCounters counters) {
    this.name = replica.getName().isEmpty() ? replica.getEndpoint() : replica.getName();
    this.processId = replica.getProcessId();
    this.replica = replica;
    this.setup = setup;
    this.counters = counters;
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

  /** Whether an answer is overdue, so that others are preferred. */
  boolean suspect() {
    return suspect;
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

  /** An answer is overdue. */
  void suspected() {
    if (!suspect) {
      suspect = true;
      setup.control().execute(() -> {
        setup.changed().run();
        probe();
      });
    }
  }

  /** Something came. */
  void answersAgain() {
    if (suspect) {
      suspect = false;
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
    return refusal;
  }

  /** The type that it holds experts in, such as {@code q8_0}. */
  String dtype() {
    return dtype;
  }

  /** How often the table had news of it. */
  int news() {
    return news;
  }

  /**
   * It does not hold these experts, whatever the table says; until the table has news of it, or a while has passed.
   *
   * @param newsWhenAsked an answer to what was asked before the last news says nothing about what it holds since
   */
  void lacks(Set<Integer> ids, int newsWhenAsked) {
    setup.control().execute(() -> {
      if (newsWhenAsked == news) {
        lacking.addAll(ids);
        setup.changed().run();
        setup.control().later(LACKING.toMillis(), () -> {
          if (newsWhenAsked == news && lacking.removeAll(ids)) {
            setup.changed().run();
          }
        });
      }
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
    refusal = null;
    news = Math.addExact(news, 1); // only this thread writes it
    lacking.clear();
    drained = null;
    standing = entry.getState() == ReplicaState.REPLICA_STATE_DRAINING ? Standing.DRAINING : Standing.READY;
    offered = matching(entry.getFingerprint(), new HashSet<>(entry.getExpertIdsList()));
    rejection = offered.isEmpty() ? refusal : null;
    if (current != null && live != null) {
      former = new HashSet<>(former);
      former.addAll(held);
      former.removeAll(offered);
      held = offered;
    }
    connect();
  }

  /** The table has it no more: what it computes is asked of others too. */
  void lost() {
    if (standing != Standing.LOST) {
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
    return rejection;
  }

  /** Experts that it can be asked for now. */
  Set<Integer> experts() {
    return askable(held);
  }

  /**
   * Lets calls through although its breaker is open, if it holds some of {@code missing} and has not answered nonsense.
   *
   * @return whether it can be asked for more than before
   */
  boolean callAsLastResort(Set<Integer> missing) {
    if (breaker.getState() == CircuitBreaker.State.OPEN && !distrusted && standing != Standing.DRAINING
        && live() != null && live() != drained && !Collections.disjoint(held, missing)) {
      breaker.transitionToHalfOpenState();
      return true;
    }
    return false;
  }

  /** Experts that it can still be asked for while those to whom the table gives them are not connected. */
  Set<Integer> standIns() {
    return askable(standing == Standing.LOST ? held : former);
  }

  /** Experts that it can be asked for as soon as its first connection stands. */
  Set<Integer> promised() {
    return wanted() && live == null && reconnects == 0 ? offered : Set.of();
  }

  private Set<Integer> askable(Set<Integer> ids) {
    ReplicaStream stream = live();
    if (stream == null || stream == drained || standing == Standing.DRAINING
        || breaker.getState() == CircuitBreaker.State.OPEN) {
      return Set.of();
    }
    if (lacking.isEmpty()) {
      return ids;
    }
    Set<Integer> rest = new HashSet<>(ids);
    rest.removeAll(lacking);
    return rest;
  }

  /** Those of {@code ids} whose weights and arithmetic are this gateway's. */
  private Set<Integer> matching(Fingerprint theirs, Set<Integer> ids) {
    Optional<String> all = Fingerprints.mismatch(setup.fingerprint(), theirs, setup.exact());
    if (all.isPresent()) {
      mismatch("for no expert", all.get());
      return Set.of();
    }
    Set<Integer> same = new HashSet<>();
    List<Integer> different = new ArrayList<>();
    String reason = "";
    for (int id : ids) {
      Optional<String> difference = Fingerprints.expertMismatch(setup.fingerprint(), theirs, id);
      if (difference.isEmpty()) {
        same.add(id);
      } else {
        different.add(id);
        reason = difference.get();
      }
    }
    if (!different.isEmpty()) {
      mismatch("not for the experts " + different.stream().sorted().toList(), reason);
    }
    return same;
  }

  private void mismatch(String experts, String reason) {
    refusal = reason;
    counters.failed(FailureKind.FINGERPRINT);
    logOnce("it is used %s: %s".formatted(experts, reason));
  }

  private void logOnce(String problem) {
    if (logged.add(problem) && logged.size() < 100) {
      log.warn("Replica {} at {}: {}", name, replica.getEndpoint(), problem);
    }
  }

  private boolean wanted() {
    return !closed && standing == Standing.READY && !offered.isEmpty();
  }

  private void connect() {
    if (!wanted() || current != null || connectPlanned) {
      return;
    }
    ReplicaStream stream = new ReplicaStream(this, setup.connect().apply(replica.getEndpoint()));
    current = stream;
    Fingerprint.Builder fingerprint = setup.fingerprint().toBuilder().clearExpertDigests();
    for (int id : offered) {
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
    held = matching(welcome.getFingerprint(), offered);
    former = Set.of();
    if (held.isEmpty()) {
      offered = Set.of(); // until the table has news
      rejection = refusal;
      stream.end("it holds nothing that this gateway can use");
      return;
    }
    stream.welcomed(welcome.getLimits());
    reconnects = 0;
    rejection = null;
    suspect = false;
    live = stream;
    log.info("Replica {} at {} is connected", name, replica.getEndpoint());
    setup.changed().run();
  }

  private void lostStream(ReplicaStream stream, String reason, boolean refused) {
    if (stream != current) {
      return;
    }
    current = null;
    suspect = false;
    if (refused) {
      refusal = reason;
      rejection = reason;
      counters.failed(FailureKind.FINGERPRINT);
      logOnce("it refuses this gateway: " + reason);
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

  /** Asks a suspect for something cheap, until it answers or its stream ends. */
  private void probe() {
    ReplicaStream stream = live();
    if (!suspect || probing || closed || stream == null) {
      return;
    }
    probing = true;
    setup.control().later(PROBE_PERIOD.toMillis(), () -> describe(stream));
  }

  private void describe(ReplicaStream stream) {
    ExpertServiceGrpc.newStub(stream.channel).withDeadlineAfter(PROBE_PATIENCE)
        .describe(DescribeRequest.getDefaultInstance(), new StreamObserver<>() {
          @Override
          public void onNext(DescribeResponse answer) {
            if (stream.inFlight().stream().noneMatch(attempt -> attempt.overdue)) {
              answersAgain();
            }
          }

          @Override
          public void onError(Throwable failure) {
            setup.control().execute(ReplicaLink.this::probeAgain);
          }

          @Override
          public void onCompleted() {
            setup.control().execute(ReplicaLink.this::probeAgain);
          }
        });
  }

  private void probeAgain() {
    probing = false;
    probe();
  }

  /** Nothing is expected of it any more. */
  void close(String reason) {
    closed = true;
    if (current != null) {
      current.end(reason);
    }
  }
}
