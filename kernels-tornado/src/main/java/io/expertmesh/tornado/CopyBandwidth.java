package io.expertmesh.tornado;

import java.util.List;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.ProfilerMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** How fast the device's memory is: what other kernels are compared with. */
final class CopyBandwidth {
  private static final int FLOATS = 1 << 26;
  private static final int THREADS = 256;
  private static final int RUNS = 20;

  private CopyBandwidth() {}

  static void copy(KernelContext context, FloatArray from, FloatArray to) {
    int i = context.globalIdx;
    to.set(i, from.get(i));
  }

  /** Bytes read and written in a second by a kernel that copies 256 MB, the best of {@value #RUNS} runs. */
  static double measure(DeviceAccess device) {
    FloatArray from = new FloatArray(FLOATS);
    FloatArray to = new FloatArray(FLOATS);
    WorkerGrid1D grid = new WorkerGrid1D(FLOATS);
    grid.setLocalWork(THREADS, 1, 1);
    TaskGraph graph = new TaskGraph("bandwidth").transferToDevice(DataTransferMode.FIRST_EXECUTION, from, to)
        .task("copy", CopyBandwidth::copy, new KernelContext(), from, to)
        .transferToHost(DataTransferMode.UNDER_DEMAND, to);
    long best = Long.MAX_VALUE;
    try (TornadoExecutionPlan plan = device.plan(List.of(graph.snapshot()))) {
      plan.withGridScheduler(new GridScheduler("bandwidth.copy", grid)).withProfiler(ProfilerMode.SILENT);
      for (int i = 0; i < RUNS; i++) {
        best = Math.min(best, plan.execute().getProfilerResult().getDeviceKernelTime());
      }
      plan.freeDeviceMemory();
    } catch (TornadoExecutionPlanException failure) {
      throw DeviceFailure.of(String.valueOf(failure.getMessage()), failure);
    }
    return 2e9 * Float.BYTES * FLOATS / best;
  }
}
