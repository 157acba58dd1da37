package io.expertmesh.tornado;

import java.util.List;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A small kernel that gives another result where it does not run on a device with work groups and local memory. */
final class DeviceProbe {
  private static final int THREADS = 64;

  private DeviceProbe() {}

  /** Each thread gives its number to the one across. */
  static void exchange(KernelContext context, FloatArray in, FloatArray out) {
    float[] local = context.allocateFloatLocalArray(THREADS);
    int thread = context.localIdx;
    local[thread] = in.get(context.globalIdx);
    context.localBarrier();
    out.set(context.globalIdx, local[THREADS - 1 - thread]);
  }

  /**
   * @throws io.expertmesh.model.failure.FailureException UNAVAILABLE if the device computes something else, or nothing
   */
  static void check(DeviceAccess device) {
    FloatArray in = new FloatArray(2 * THREADS);
    FloatArray out = new FloatArray(2 * THREADS);
    for (int i = 0; i < in.getSize(); i++) {
      in.set(i, i + 1f);
    }
    WorkerGrid1D grid = new WorkerGrid1D(2 * THREADS);
    grid.setLocalWork(THREADS, 1, 1);
    TaskGraph graph = new TaskGraph("probe").transferToDevice(DataTransferMode.EVERY_EXECUTION, in)
        .task("exchange", DeviceProbe::exchange, new KernelContext(), in, out)
        .transferToHost(DataTransferMode.EVERY_EXECUTION, out);
    try (TornadoExecutionPlan plan = device.plan(List.of(graph.snapshot()))) {
      plan.withGridScheduler(new GridScheduler("probe.exchange", grid)).execute();
    } catch (RuntimeException | TornadoExecutionPlanException failure) {
      throw DeviceFailure.of("it did not run a first small kernel: " + failure.getMessage(), failure);
    }
    for (int i = 0; i < out.getSize(); i++) {
      float expected = in.get(i / THREADS * THREADS + THREADS - 1 - i % THREADS);
      if (out.get(i) != expected) {
        throw DeviceFailure.of("a first small kernel gave %s at %d, not %s".formatted(out.get(i), i, expected), null);
      }
    }
  }
}
