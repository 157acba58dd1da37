package io.expertmesh.model.device;

import com.sun.management.OperatingSystemMXBean;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Experts on the CPU, in the checkpoint's own memory unless the kernels have a layout of their own. */
public final class CpuExperts implements ExpertDevice {
  /** One row streams the weights; several share them. */
  private static final List<Integer> ROW_COUNTS = List.of(1, 4);

  private record Expert(int layer, int id, FeedForwardWeights weights, long ownBytes) implements LoadedExpert {}

  private final Kernels kernels;
  private final FeedForwardRunner runner;
  private final long memoryBytes;
  /** Of the experts that are loaded. */
  private final AtomicLong ownBytes = new AtomicLong();
  private final List<FeedForwardWeights> active = new ArrayList<>();

  /**
   * @param pool whose threads compute
   */
  public CpuExperts(Kernels kernels, WorkerPool pool) {
    this(kernels, pool,
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize());
  }

  /**
   * @param memoryBytes of the machine, or of the container
   */
  CpuExperts(Kernels kernels, WorkerPool pool, long memoryBytes) {
    this.kernels = kernels;
    this.memoryBytes = memoryBytes;
    this.runner = new FeedForwardRunner(kernels, pool);
  }

  @Override
  public String name() {
    return "cpu " + kernels.name();
  }

  @Override
  public Numerics numerics() {
    return kernels.numerics();
  }

  @Override
  public List<Integer> rowCounts() {
    return ROW_COUNTS;
  }

  /** {@inheritDoc} What is mapped from files can be read again, and takes no memory that others could not have. */
  @Override
  public void reserve(List<ExpertWeights> examples, int each) {
    long needed = each * examples.stream().mapToLong(ExpertWeights::ownBytes).sum();
    if (needed > memoryBytes - ownBytes.get()) {
      throw new FailureException(FailureCategory.TOO_LARGE, """
          the experts do not fit this machine: converted they need %,d bytes of memory, and %,d of its %,d are taken \
          by others of this process; give it fewer experts, hold them in a smaller type (--expert-dtype q8_0 or \
          q4_0), or as the checkpoint has them""".formatted(needed, ownBytes.get(), memoryBytes));
    }
  }

  @Override
  public LoadedExpert load(ExpertWeights weights) {
    ownBytes.addAndGet(weights.ownBytes());
    return new Expert(weights.layer(), weights.id(), weights.prepared(kernels), weights.ownBytes());
  }

  @Override
  public void forward(List<LoadedExpert> experts, int[] starts, float[] x, float[] out) {
    active.clear();
    for (LoadedExpert expert : experts) {
      active.add(((Expert) expert).weights());
    }
    try {
      runner.forward(active, starts, x, out);
    } finally {
      active.clear();
    }
  }

  /** {@inheritDoc} The memory is not the device's. */
  @Override
  public void release(LoadedExpert expert) {
    ownBytes.addAndGet(-((Expert) expert).ownBytes());
  }

  /** Nothing: the threads are the caller's. */
  @Override
  public void close() {}
}
