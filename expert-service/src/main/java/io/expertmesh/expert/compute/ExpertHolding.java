package io.expertmesh.expert.compute;

import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.device.LoadedExpert;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelExperts;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The experts that the process holds, in all layers. Read by any thread; changed by one at a time. */
public final class ExpertHolding implements AutoCloseable {
  /**
   * An expert of a layer on its way to the device.
   *
   * @param memory of the weights
   */
  private record Staged(ExpertWeights weights, ExpertMemory memory) {}

  private final ModelExperts model;
  private final ExpertDevice device;
  private final BatchQueue queue;
  /** A device loads one expert at a time. */
  private final ReentrantLock loading = new ReentrantLock();
  /** By id, then by layer. Replaced as a whole. */
  private volatile TreeMap<Integer, @Nullable HeldExpert[]> held = new TreeMap<>();

  ExpertHolding(ModelExperts model, ExpertDevice device, BatchQueue queue) {
    this.model = model;
    this.device = device;
    this.queue = queue;
  }

  /** Ascending. */
  public List<Integer> ids() {
    return List.copyOf(held.keySet());
  }

  /** An expert of a layer; null if it is not held, or the layer has no experts. */
  @Nullable
  HeldExpert find(int layer, int id) {
    @Nullable
    HeldExpert[] layers = held.get(id);
    return layers == null ? null : layers[layer];
  }

  /**
   * Loads what is missing of {@code ids} and does not hold it yet; takes as long as reading and converting takes.
   *
   * @throws FailureException TOO_LARGE if the memory of device or machine does not suffice; nothing was loaded then
   */
  public LoadedExperts load(Collection<Integer> ids) {
    TreeMap<Integer, @Nullable HeldExpert[]> loaded = new TreeMap<>();
    // The first expert is the example by which the device makes room for all.
    Deque<Staged> first = new ArrayDeque<>();
    loading.lock();
    try {
      List<Integer> missing = ids.stream().filter(id -> !held.containsKey(id)).distinct().toList();
      LoadingLog progress = LoadingLog.begin(model, missing, device.keepsWeights());
      if (!missing.isEmpty()) {
        model.architecture().moeLayers().forEach(layer -> first.add(stage(layer, missing.getFirst())));
      }
      device.reserve(first.stream().map(Staged::weights).toList(), missing.size());
      for (int id : missing) {
        @Nullable
        HeldExpert[] layers = new @Nullable HeldExpert[model.layers()];
        loaded.put(id, layers);
        for (int layer : model.architecture().moeLayers()) {
          layers[layer] = load(first.isEmpty() ? stage(layer, id) : first.remove());
        }
        progress.loaded(id);
      }
    } catch (RuntimeException failure) {
      first.forEach(staged -> staged.memory().close());
      discard(new LoadedExperts(loaded));
      throw failure;
    } finally {
      loading.unlock();
    }
    return new LoadedExperts(loaded);
  }

  private Staged stage(int layer, int id) {
    ExpertMemory memory = new ExpertMemory();
    try {
      return new Staged(model.load(layer, id, memory.allocator()), memory);
    } catch (RuntimeException failure) {
      memory.close();
      throw failure;
    }
  }

  private HeldExpert load(Staged staged) {
    boolean kept = false;
    try {
      LoadedExpert expert = device.load(staged.weights());
      kept = device.keepsWeights();
      return new HeldExpert(expert, kept ? staged.memory() : null);
    } finally {
      if (!kept) {
        staged.memory().close();
      }
    }
  }

  /** From now on also holds {@code loaded}. */
  public synchronized void add(LoadedExperts loaded) {
    TreeMap<Integer, @Nullable HeldExpert[]> next = new TreeMap<>(held);
    next.putAll(loaded.byId());
    held = next;
  }

  /** Gives up all but {@code ids}. Batches that wait are computed before the device gives up what they need. */
  public synchronized void retain(Collection<Integer> ids) {
    TreeMap<Integer, @Nullable HeldExpert[]> next = new TreeMap<>(held);
    TreeMap<Integer, @Nullable HeldExpert[]> dropped = new TreeMap<>(held);
    next.keySet().retainAll(ids);
    dropped.keySet().removeAll(ids);
    held = next;
    discard(new LoadedExperts(dropped));
  }

  /** Gives up experts that are not held, or not any more. */
  public void discard(LoadedExperts experts) {
    List<HeldExpert> all = new ArrayList<>();
    for (Map.Entry<Integer, @Nullable HeldExpert[]> expert : experts.byId().entrySet()) {
      for (HeldExpert layer : expert.getValue()) {
        if (layer != null) {
          layer.giveUp();
          all.add(layer);
        }
      }
    }
    queue.whenUnneeded(all, this::release);
  }

  private void release(HeldExpert expert) {
    device.release(expert.loaded);
    expert.free();
  }

  /** Frees the weights of all experts, when nothing computes any more. */
  @Override
  public synchronized void close() {
    Collection<@Nullable HeldExpert[]> all = held.values();
    held = new TreeMap<>();
    for (HeldExpert[] layers : all) {
      for (HeldExpert expert : layers) {
        if (expert != null) {
          expert.free();
        }
      }
    }
  }

  /** Such as {@code experts 0-7,12}. */
  @Override
  public String toString() {
    List<Integer> ids = ids();
    StringBuilder text = new StringBuilder(ids.isEmpty() ? "none" : "experts ");
    for (int i = 0; i < ids.size(); i++) {
      int first = ids.get(i);
      while (i + 1 < ids.size() && ids.get(i + 1) == ids.get(i) + 1) {
        i++;
      }
      text.append(text.charAt(text.length() - 1) == ' ' ? "" : ",").append(first);
      if (ids.get(i) > first) {
        text.append('-').append(ids.get(i));
      }
    }
    return text.toString();
  }
}
