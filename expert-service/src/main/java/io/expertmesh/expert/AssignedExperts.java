package io.expertmesh.expert;

import io.expertmesh.expert.compute.ExpertProcess;
import io.expertmesh.expert.compute.LoadedExperts;
import io.expertmesh.expert.compute.WarmUp;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.Assignment;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does what the router assigns, while calls run: loads and checks what is new, holds old and new together, then gives up
 * what is no longer assigned. Batches that wait keep the experts that they need.
 */
final class AssignedExperts implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(AssignedExperts.class);

  private final ExpertProcess process;
  private final WarmUp warmUp;
  private final int maxExperts;
  private final ExecutorService loading = Executors.newSingleThreadExecutor(
      Thread.ofPlatform().daemon().name("expert-loading").factory());
  private volatile long received;
  private volatile long fulfilled;

  AssignedExperts(ExpertProcess process, WarmUp warmUp, int maxExperts) {
    this.process = process;
    this.warmUp = warmUp;
    this.maxExperts = maxExperts;
  }

  /** The last assignment that is fulfilled; 0 if there was none. */
  long fulfilled() {
    return fulfilled;
  }

  /** Fulfils {@code assignment} on another thread, unless it is known or a newer one comes before its turn. */
  void assign(Assignment assignment, Runnable onFulfilled) {
    if (assignment.getId() == received) {
      return;
    }
    received = assignment.getId();
    try {
      loading.execute(() -> {
        if (assignment.getId() == received) {
          fulfil(assignment, onFulfilled);
        }
      });
    } catch (RejectedExecutionException stopping) {
      log.debug("Assignment {} came while the process stops", assignment.getId());
    }
  }

  private void fulfil(Assignment assignment, Runnable onFulfilled) {
    List<Integer> ids = List.copyOf(new TreeSet<>(assignment.getExpertIdsList()));
    int experts = process.limits().experts();
    if (!ids.isEmpty() && (ids.getFirst() < 0 || ids.getLast() >= experts)) {
      log.error("Assignment {} is refused: it names expert {}, and the model has {}", assignment.getId(),
          ids.getLast(), experts);
      return;
    }
    if (maxExperts > 0 && ids.size() > maxExperts) {
      log.error("Assignment {} is refused: it has {} experts, and the process holds {} at most", assignment.getId(),
          ids.size(), maxExperts);
      return;
    }
    try {
      LoadedExperts loaded = process.holding().load(ids);
      try {
        warmUp.check(loaded);
      } catch (FailureException failure) {
        process.holding().discard(loaded);
        throw failure;
      }
      process.holding().add(loaded);
    } catch (FailureException failure) {
      received = fulfilled; // so that it is tried again when the router says it again
      log.error("Assignment {} cannot be fulfilled: {}", assignment.getId(), failure.getMessage());
      return;
    }
    process.holding().retain(ids);
    fulfilled = assignment.getId();
    log.info("Assignment {}: holding {}", assignment.getId(), process.holding());
    onFulfilled.run();
  }

  @Override
  public void close() {
    loading.shutdownNow();
  }
}
