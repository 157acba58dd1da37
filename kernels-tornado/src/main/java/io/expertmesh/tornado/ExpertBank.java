package io.expertmesh.tornado;

import io.expertmesh.kernels.WeightMatrix;
import io.expertmesh.model.decoder.FeedForwardWeights.Biases;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.failure.FailureException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.enums.ProfilerMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;

/**
 * Experts of one shape that lie in the same arrays on the device, each in a slot, with the execution plan that computes
 * them. Kernels are compiled once for a bank, not for a layer or an expert.
 *
 * <p>TornadoVM's plans are not thread-safe: whoever runs one holds the device's lock. Slots are taken and given back by
 * one thread at a time.
 */
final class ExpertBank implements AutoCloseable {
  /** The plan's graph that sends weights; those of the steps follow. */
  private static final int UPLOAD = 0;

  private final BankShape shape;
  private final int slots;
  private final BitSet taken = new BitSet();
  private final Set<Integer> layers = new HashSet<>();
  private final FactorLayout layout;
  private final BankArrays arrays;
  private final List<StepGraph> steps = new ArrayList<>();
  private final TornadoExecutionPlan plan;
  private final Lock lock;
  private final RowEncoder encoder = new RowEncoder();
  private int stamp;
  private boolean profiled;
  private long lastKernelNanos;

  /**
   * Takes the device's memory and compiles the kernels.
   *
   * @param name letters and digits, of this bank alone
   * @param lock of the device
   */
  ExpertBank(String name, DeviceAccess device, BankPlanner.PlannedBank planned, List<StepSize> sizes, Lock lock) {
    this.shape = planned.shape();
    this.slots = planned.slots();
    this.layers.addAll(planned.layers());
    this.lock = lock;
    this.layout = new FactorLayout(shape);
    this.arrays = new BankArrays(shape, slots);
    KernelContext context = new KernelContext();
    GridScheduler grids = new GridScheduler();
    List<ImmutableTaskGraph> graphs = new ArrayList<>();
    graphs.add(arrays.graph(name + "upload", context, grids).snapshot());
    for (StepSize size : sizes) {
      StepGraph step = StepGraph.of(name + size.name(), shape, size);
      steps.add(step);
      graphs.add(step.graph(context, grids, arrays, name + "upload").snapshot());
    }
    this.plan = device.plan(graphs).withGridScheduler(grids);
    try {
      compile();
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  /** Runs every graph once: none compiles later. Steps of other banks wait for one of them at most. */
  private void compile() {
    arrays.all().forEach(array -> array.aim(0, 0));
    sendPieces();
    Step one = new Step();
    one.add(0, 0, 1);
    float[] row = new float[shape.hidden()];
    for (StepGraph graph : steps) {
      run(graph, one, row, row);
    }
  }

  BankShape shape() {
    return shape;
  }

  int slots() {
    return slots;
  }

  /** Whether it is for experts of this layer. */
  boolean hasLayer(int layer) {
    return layers.contains(layer);
  }

  int freeSlots() {
    return slots - taken.cardinality();
  }

  void giveBack(int slot) {
    taken.clear(slot);
  }

  /** Puts an expert into a free slot, which is returned. A step waits for one piece at most. */
  int put(ExpertWeights weights) {
    int slot = taken.nextClearBit(0);
    if (slot == slots) {
      throw new IllegalStateException("no free slot of " + slots);
    }
    float[] factors = new float[layout.stride()];
    WeightMatrix gate = weights.gate();
    MatrixReader wide = new MatrixReader(gate == null ? List.of(weights.up()) : List.of(weights.up(), gate),
        shape.wide(), encoder, arrays.wide(), slot * shape.wideElements(), factors, layout.wideScales(),
        layout.wideRowFactors());
    MatrixReader down = new MatrixReader(List.of(weights.down()), shape.down(), encoder, arrays.down(),
        slot * shape.downElements(), factors, layout.downScales(), layout.downRowFactors());
    arrays.factors().aim(0, 0);
    while (wide.hasMore() || down.hasMore()) {
      wide.next();
      down.next();
      sendPieces();
    }
    copyBiases(weights.biases(), factors);
    sendFactors(factors, slot * shape.factors());
    taken.set(slot);
    layers.add(weights.layer());
    return slot;
  }

  private void copyBiases(@Nullable Biases biases, float[] factors) {
    if (biases == null) {
      return;
    }
    float[] gate = biases.gate();
    System.arraycopy(biases.up(), 0, factors, layout.wideBiases(), shape.size());
    if (gate != null) {
      System.arraycopy(gate, 0, factors, layout.wideBiases() + shape.size(), gate.length);
    }
    System.arraycopy(biases.down(), 0, factors, layout.downBiases(), shape.hidden());
  }

  private void sendFactors(float[] factors, long at) {
    DeviceArray array = arrays.factors();
    for (int from = 0; from < factors.length; from += array.capacity()) {
      int count = Math.min(array.capacity(), factors.length - from);
      MemorySegment.copy(factors, from, array.piece(), ValueLayout.JAVA_FLOAT, 0, count);
      array.aim(at + from, count);
      sendPieces();
    }
  }

  /** Sends what the arrays are aimed at, once. */
  private void sendPieces() {
    lock.lock();
    try {
      execute(UPLOAD);
    } finally {
      lock.unlock();
    }
    arrays.all().forEach(array -> array.aim(0, 0));
  }

  /**
   * Computes a step, whose rows fit one of the sizes.
   *
   * @param x (rows, hidden)
   * @param out (rows, hidden)
   */
  void forward(Step step, float[] x, float[] out) {
    run(graphFor(step), step, x, out);
  }

  /** Of the smallest graphs that the step fits, the one for as many rows of an expert. */
  private StepGraph graphFor(Step step) {
    StepGraph fitting = null;
    for (StepGraph graph : steps) {
      StepSize size = graph.size();
      boolean small = fitting == null || fitting.size().rows() == size.rows();
      if (step.rows() <= size.rows() && small && step.rows() >= size.fromRows() * step.segments()) {
        fitting = graph;
      }
    }
    if (fitting == null) {
      throw new IllegalArgumentException(step.rows() + " rows in one step");
    }
    return fitting;
  }

  private void run(StepGraph graph, Step step, float[] x, float[] out) {
    lock.lock();
    try {
      stamp = stamp % (StepLayout.STAMPS - 1) + 1;
      graph.prepare(step, stamp, x);
      TornadoExecutionResult result = execute(UPLOAD + 1 + steps.indexOf(graph));
      if (profiled) {
        // Before the outputs are fetched, which the profiler takes for the next thing to measure.
        lastKernelNanos = result.getProfilerResult().getDeviceKernelTime();
      }
      graph.collect(result, step, stamp, out);
    } finally {
      lock.unlock();
    }
  }

  private TornadoExecutionResult execute(int graph) {
    try {
      TornadoExecutionPlan next = plan.withGraph(graph);
      return (profiled ? next.withProfiler(ProfilerMode.SILENT) : next).execute();
    } catch (FailureException failure) {
      throw failure;
    } catch (RuntimeException failure) {
      throw DeviceFailure.of(String.valueOf(failure.getMessage()), failure);
    }
  }

  /** From now on measures what kernels take, which costs time. */
  void profile(boolean on) {
    profiled = on;
    if (!on) {
      plan.withAllGraphs().withoutProfiler();
    }
  }

  /** Nanoseconds that the last step's kernels took, if steps are profiled. */
  long lastKernelNanos() {
    return lastKernelNanos;
  }

  /** Gives the device's memory back. */
  @Override
  public void close() {
    lock.lock();
    try {
      plan.withAllGraphs().freeDeviceMemory();
      plan.close();
    } catch (TornadoExecutionPlanException failure) {
      throw DeviceFailure.of(String.valueOf(failure.getMessage()), failure);
    } finally {
      lock.unlock();
    }
  }
}
