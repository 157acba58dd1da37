package io.expertmesh.engine;

import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.engine.experts.ExpertCall;
import io.expertmesh.engine.experts.ExpertCall.LostExpert;
import io.expertmesh.engine.experts.ExpertClient;
import io.expertmesh.engine.experts.LocalExperts;
import io.expertmesh.engine.experts.SleepingExperts;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.family.BoundModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Experts that vanish, return and get lost when a test says so. They compute as late as they may, when the caller waits
 * for them, so that a caller that reuses its arrays too early gets other bits.
 */
final class ScriptedExperts implements ExpertClient, AutoCloseable {
  /** What happens to a call. */
  @FunctionalInterface
  interface Script {
    /** The experts that the call loses; throws if the call fails. */
    Set<Integer> lost(int layer, DispatchPlan plan);
  }

  private final WorkerPool pool = new WorkerPool(1);
  private final LocalExperts local;
  private final int hiddenSize;
  private final int microBatches;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final Set<Integer> asked = ConcurrentHashMap.newKeySet();
  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicInteger mostInFlight = new AtomicInteger();
  private volatile Set<Integer> unavailable = Set.of();
  private volatile SleepingExperts sleeping = SleepingExperts.NONE;
  private volatile Set<Integer> wanted = Set.of();
  private volatile Script script = (layer, plan) -> Set.of();

  ScriptedExperts(BoundModel model, Kernels kernels, int microBatches) {
    this.hiddenSize = model.architecture().hiddenSize();
    this.local = new LocalExperts(model.weights(), hiddenSize, new FeedForwardRunner(kernels, pool), pool);
    this.microBatches = microBatches;
  }

  /** From now on these are not there, and all others are. */
  void gone(Integer... experts) {
    unavailable = Set.of(experts);
    listeners.forEach(Runnable::run);
  }

  /** They are gone and sleep. */
  void asleep(SleepingExperts experts) {
    sleeping = experts;
    gone(experts.ids().toArray(Integer[]::new));
  }

  /** What requests wait for. */
  Set<Integer> wanted() {
    return wanted;
  }

  @Override
  public SleepingExperts sleeping() {
    return sleeping;
  }

  @Override
  public void want(Set<Integer> experts) {
    wanted = Set.copyOf(experts);
  }

  void script(Script next) {
    script = next;
  }

  /** Runs {@code action} while no call ends: the engine's first step waits for it. */
  <T> T whileStopped(Supplier<T> action) {
    CompletableFuture<Void> over = new CompletableFuture<>();
    script((layer, plan) -> {
      over.join();
      return Set.of();
    });
    try {
      return action.get();
    } finally {
      over.complete(null);
    }
  }

  /** Experts that had rows in any call. */
  Set<Integer> asked() {
    return asked;
  }

  int inFlight() {
    return inFlight.get();
  }

  int mostInFlight() {
    return mostInFlight.get();
  }

  @Override
  public ExpertCall forward(int layer, DispatchPlan plan, float[] hidden, float[] outputs) {
    for (int expert : plan.expertIds()) {
      asked.add(expert);
    }
    mostInFlight.accumulateAndGet(inFlight.incrementAndGet(), Math::max);
    return () -> {
      try {
        Set<Integer> lost = script.lost(layer, plan);
        local.forward(layer, plan, hidden, outputs).await();
        return forget(lost, plan, outputs);
      } finally {
        inFlight.decrementAndGet();
      }
    };
  }

  private List<LostExpert> forget(Set<Integer> lost, DispatchPlan plan, float[] outputs) {
    List<LostExpert> all = new ArrayList<>();
    for (int i = 0; i < plan.expertIds().length; i++) {
      int expert = plan.expertIds()[i];
      if (lost.contains(expert) || unavailable.contains(expert)) {
        all.add(new LostExpert(expert, "lost on purpose"));
        Arrays.fill(outputs, plan.starts()[i] * hiddenSize, plan.starts()[i + 1] * hiddenSize, Float.NaN);
      }
    }
    return all;
  }

  @Override
  public Set<Integer> unavailable() {
    return unavailable;
  }

  @Override
  public int microBatches() {
    return microBatches;
  }

  @Override
  public void onAvailabilityChange(Runnable listener) {
    listeners.add(listener);
  }

  @Override
  public void close() {
    pool.close();
  }
}
