package io.expertmesh.expert;

import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.device.CpuExperts;
import io.expertmesh.model.device.DeviceRequest;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.device.LoadedExpert;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;

/** A device that computes as the reference does, or does what a device may do instead. */
final class ScriptedDevice implements ExpertDevice {
  /** Experts, each of one layer, that its memory has room for. */
  final int room;
  final Set<LoadedExpert> loaded = ConcurrentHashMap.newKeySet();
  final Set<Thread> callers = ConcurrentHashMap.newKeySet();
  /** A step takes one. */
  final Semaphore steps = new Semaphore(Integer.MAX_VALUE);
  volatile boolean broken;
  volatile float factor = 1;
  volatile boolean closed;
  /** Of the weights that it was given, in order. */
  final BlockingQueue<MemorySegment.Scope> weights = new LinkedBlockingQueue<>();
  private final CpuExperts computes;

  ScriptedDevice(DeviceRequest request, int room) {
    this.room = room;
    this.computes = new CpuExperts(new ScalarKernels(), request.pool());
  }

  @Override
  public String name() {
    return "scripted device";
  }

  @Override
  public Numerics numerics() {
    return Numerics.FAST;
  }

  @Override
  public List<Integer> rowCounts() {
    return List.of(1, 70);
  }

  @Override
  public LoadedExpert load(ExpertWeights weights) {
    if (loaded.size() == room) {
      throw new FailureException(FailureCategory.TOO_LARGE,
          "expert %d of layer %d needs 10 bytes, and 0 of %d are free".formatted(weights.id(), weights.layer(),
              10 * room));
    }
    this.weights.add(weights.up().data().scope());
    LoadedExpert expert = computes.load(weights);
    loaded.add(expert);
    return expert;
  }

  @Override
  public void forward(List<LoadedExpert> experts, int[] starts, float[] x, float[] out) {
    callers.add(Thread.currentThread());
    steps.acquireUninterruptibly();
    if (broken) {
      throw new FailureException(FailureCategory.UNAVAILABLE, "it does not\nanswer \"any more\"");
    }
    if (!loaded.containsAll(experts)) {
      throw new AssertionError("an expert was released before it was computed");
    }
    computes.forward(experts, starts, x, out);
    for (int i = 0; i < out.length; i++) {
      out[i] *= factor;
    }
  }

  @Override
  public void release(LoadedExpert expert) {
    callers.add(Thread.currentThread());
    loaded.remove(expert);
  }

  @Override
  public void close() {
    callers.add(Thread.currentThread());
    closed = true;
  }
}
