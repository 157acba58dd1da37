package io.expertmesh.expert.registration;

import io.expertmesh.proto.v1.Assignment;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.proto.v1.RegisterResponse;
import io.expertmesh.proto.v1.RegistryServiceGrpc;
import io.expertmesh.transport.Addresses;
import io.expertmesh.transport.Channels;
import io.expertmesh.transport.LinkSecurity;
import io.expertmesh.transport.Role;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the process registered with whichever router leads: one thread that tries the addresses in turn and renews the
 * lease. Nothing else waits for it; a process without a router goes on serving.
 */
public final class RouterLink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RouterLink.class);
  private static final Duration LONGEST_HEARTBEAT = Duration.ofSeconds(1);
  private static final Duration FIRST_BACK_OFF = Duration.ofMillis(250);
  private static final Duration LONGEST_BACK_OFF = Duration.ofSeconds(1);
  private static final Duration SHORTEST_PATIENCE = Duration.ofSeconds(2);
  private static final Duration LONGEST_PATIENCE = Duration.ofSeconds(30);

  private sealed interface Event {
    /** Of a stream that may not be the one in use any more. */
    sealed interface OfStream extends Event {
      Answers stream();
    }

    record Answer(Answers stream, RegisterResponse response) implements OfStream {}

    record Ended(Answers stream, Status status) implements OfStream {}

    /** Something is news to the router. */
    record News() implements Event {}
  }

  private final List<String> routers;
  private final LinkSecurity security;
  private final Supplier<RegisterRequest> report;
  private final Consumer<Assignment> onAssignment;
  private final Consumer<RegisterResponse> onAnswer;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final Thread thread;
  private volatile boolean closed;
  private volatile @Nullable String registeredWith;
  private @Nullable String lastTrouble;
  /**
   * How long a router may be silent. On a machine that is overloaded a TLS handshake alone can take seconds, and to begin
   * it again makes the load worse: it doubles whenever it ran out, and halves when answers come quickly.
   */
  private Duration patience = SHORTEST_PATIENCE;

  /**
   * Starts registering.
   *
   * @param routers host:port of each; a name may stand for several
   * @param report how the process is now
   * @param onAssignment hears of each new assignment, and must not hold up the caller
   * @param onAnswer hears every answer of a router
   */
  public RouterLink(List<String> routers, LinkSecurity security, Supplier<RegisterRequest> report,
      Consumer<Assignment> onAssignment, Consumer<RegisterResponse> onAnswer) {
    this.routers = List.copyOf(routers);
    this.security = security;
    this.report = report;
    this.onAssignment = onAssignment;
    this.onAnswer = onAnswer;
    this.thread = Thread.ofPlatform().name("router-link").daemon().start(this::run);
  }

  /** Reports now instead of with the next renewal. */
  public void reportNow() {
    events.add(new Event.News());
  }

  /** The router that has answered; null while there is none. */
  public @Nullable String registeredWith() {
    return registeredWith;
  }

  private void run() {
    Duration backOff = FIRST_BACK_OFF;
    try {
      Deque<String> round = new ArrayDeque<>();
      while (!closed) {
        if (round.isEmpty()) {
          round.addAll(Addresses.each(routers));
        }
        String router = round.remove();
        String trouble = stayWith(router);
        if (closed) {
          return;
        }
        backOff = registeredWith == null ? backOff : FIRST_BACK_OFF;
        registeredWith = null;
        if (!trouble.equals(lastTrouble)) {
          log.warn("Not registered: {}; trying again", trouble);
          lastTrouble = trouble;
        }
        Thread.sleep(backOff);
        backOff = shorter(backOff.multipliedBy(2), LONGEST_BACK_OFF);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  /** Registers with one router and renews until the stream ends. Returns why it did. */
  private String stayWith(String router) throws InterruptedException {
    events.clear();
    ManagedChannel channel = Channels.open(router, Role.ROUTER, security, Runnable::run);
    try {
      Answers answers = new Answers();
      StreamObserver<RegisterRequest> requests = RegistryServiceGrpc.newStub(channel).register(answers);
      String why = renew(router, answers, requests);
      requests.onCompleted();
      return "router " + router + ": " + why;
    } finally {
      channel.shutdown();
      if (!channel.awaitTermination(200, TimeUnit.MILLISECONDS)) {
        channel.shutdownNow();
      }
    }
  }

  private String renew(String router, Answers answers, StreamObserver<RegisterRequest> requests)
      throws InterruptedException {
    Duration heartbeat = LONGEST_HEARTBEAT;
    Duration lease = Duration.ZERO;
    long heard = System.nanoTime();
    requests.onNext(report.get());
    long reported = heard;
    while (true) {
      long untilNext = reported + heartbeat.toNanos() - System.nanoTime();
      switch (events.poll(Math.max(0, untilNext), TimeUnit.NANOSECONDS)) {
        case Event.OfStream late when late.stream() != answers -> {
        }
        case Event.Answer(Answers _, RegisterResponse response) -> {
          long now = System.nanoTime();
          answered(router, Duration.ofNanos(now - heard));
          heard = now;
          lease = Duration.ofMillis(Math.clamp(response.getLeaseMillis(), 30, 3_600_000));
          heartbeat = shorter(lease.dividedBy(3), LONGEST_HEARTBEAT);
          onAnswer.accept(response);
          if (response.hasAssignment()) {
            onAssignment.accept(response.getAssignment());
          }
        }
        case Event.Ended(Answers _, Status status) -> {
          return status.getDescription() == null ? status.getCode().toString() : status.getDescription();
        }
        case Event.News() -> {
          if (closed) {
            return "closed";
          }
          requests.onNext(report.get());
          reported = System.nanoTime();
        }
        case null -> {
          Duration silence = Duration.ofNanos(System.nanoTime() - heard);
          if (silence.compareTo(patience) > 0 && silence.compareTo(lease) > 0) {
            patience = shorter(patience.multipliedBy(2), LONGEST_PATIENCE);
            return "no answer for " + silence.toMillis() + " ms";
          }
          requests.onNext(report.get());
          reported = System.nanoTime();
        }
      }
    }
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  private void answered(String router, Duration silence) {
    if (patience.compareTo(SHORTEST_PATIENCE) > 0 && silence.multipliedBy(4).compareTo(patience) < 0) {
      patience = patience.dividedBy(2);
    }
    if (registeredWith == null) {
      registeredWith = router;
      lastTrouble = null;
      log.info("Registered with router {}", router);
    }
  }

  private final class Answers implements StreamObserver<RegisterResponse> {
    @Override
    public void onNext(RegisterResponse response) {
      events.add(new Event.Answer(this, response));
    }

    @Override
    public void onError(Throwable failure) {
      events.add(new Event.Ended(this, Status.fromThrowable(failure)));
    }

    @Override
    public void onCompleted() {
      events.add(new Event.Ended(this, Status.UNAVAILABLE.withDescription("the router ended the stream")));
    }
  }

  /** Leaves the router. */
  @Override
  public void close() {
    closed = true;
    reportNow();
    try {
      if (!thread.join(LONGEST_BACK_OFF.multipliedBy(2))) {
        thread.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
