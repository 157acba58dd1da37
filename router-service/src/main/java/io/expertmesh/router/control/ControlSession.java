package io.expertmesh.router.control;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.router.leader.Leadership;
import io.expertmesh.router.loop.EventLoop;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.router.metrics.RouterCounters.Event;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The way from any thread to the control plane, which exists while this router leads. */
public final class ControlSession implements Leadership.Candidate {
  private static final Logger log = LoggerFactory.getLogger(ControlSession.class);
  private static final Duration LONGEST_TICK = Duration.ofMillis(100);
  private static final Duration TRAFFIC_FILE_PERIOD = Duration.ofSeconds(1);
  private static final String NOT_LEADING = "This router is not the leader; ask another one.";

  private final EventLoop loop;
  private final ControlSettings settings;
  private final RouterCounters counters;
  private final Consumer<Boolean> leads;
  private final @Nullable TrafficFile trafficFile;
  private @Nullable ControlPlane plane;

  /** @param leads hears when this router begins or ends to lead, on the event loop */
  public ControlSession(EventLoop loop, ControlSettings settings, RouterCounters counters, Consumer<Boolean> leads) {
    this.loop = loop;
    this.settings = settings;
    this.counters = counters;
    this.leads = leads;
    trafficFile = settings.trafficFile() == null ? null : new TrafficFile(settings.trafficFile());
    if (trafficFile != null) {
      loop.every(TRAFFIC_FILE_PERIOD, () -> {
        if (trafficFile.look() && plane != null) {
          plane.trafficDeclared();
        }
      });
    }
    Duration tick = settings.lease().dividedBy(20);
    loop.every(tick.compareTo(LONGEST_TICK) < 0 ? tick : LONGEST_TICK, () -> {
      if (plane != null) {
        plane.tick();
      }
    });
  }

  @Override
  public void lead() {
    loop.execute(() -> {
      if (plane == null) {
        plane = new ControlPlane(loop, settings, trafficFile, counters);
        counters.count(Event.LED);
        log.info("This router leads");
        leads.accept(true);
      }
    });
  }

  @Override
  public void follow() {
    loop.execute(() -> {
      if (plane != null) {
        plane.close(notLeading());
        plane = null;
        log.info("This router does not lead any more");
        leads.accept(false);
      }
    });
  }

  /** Whether what the traffic file says holds; null if there is no such file. */
  public @Nullable Boolean isTrafficFileGood() {
    return trafficFile == null ? null : trafficFile.isGood();
  }

  /** What callers of a router that does not lead are told. */
  public static Status notLeading() {
    return Status.UNAVAILABLE.withDescription(NOT_LEADING);
  }

  /** Runs {@code action} on the event loop; with null if this router does not lead. */
  public void execute(Consumer<@Nullable ControlPlane> action) {
    loop.execute(() -> action.accept(plane));
  }

  /**
   * What {@code question} answers on the event loop.
   *
   * @return fails with UNAVAILABLE if this router does not lead
   */
  public <T> CompletableFuture<T> ask(Function<ControlPlane, T> question) {
    return askLater(leading -> CompletableFuture.completedFuture(question.apply(leading)));
  }

  /** Like {@link #ask}, for what takes time. */
  public <T> CompletableFuture<T> askLater(Function<ControlPlane, CompletableFuture<T>> question) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    loop.execute(() -> {
      try {
        if (plane == null) {
          throw new FailureException(FailureCategory.UNAVAILABLE, NOT_LEADING);
        }
        var _ = question.apply(plane).whenComplete((value, failure) -> {
          if (failure == null) {
            answer.complete(value);
          } else {
            answer.completeExceptionally(failure);
          }
        });
      } catch (RuntimeException failure) {
        answer.completeExceptionally(failure);
      }
    });
    return answer;
  }
}
