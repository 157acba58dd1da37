package io.expertmesh.tornado;

import java.lang.foreign.MemorySegment;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * An array that stays on the device and is filled piece by piece: TornadoVM itself sends whole arrays only. The array's
 * own memory in the host is {@link ZeroMemory}.
 */
final class DeviceArray {
  private final String name;
  private final IntArray range = new IntArray(2);
  private final TornadoNativeArray piece;
  private final TornadoNativeArray array;
  private final WorkerGrid1D grid;

  private DeviceArray(String name, TornadoNativeArray piece, TornadoNativeArray array) {
    this.name = name;
    this.piece = piece;
    this.array = array;
    this.grid = new WorkerGrid1D(Math.ceilDiv(piece.getSize(), CopyKernels.THREADS) * CopyKernels.THREADS);
    grid.setLocalWork(CopyKernels.THREADS, 1, 1);
  }

  /**
   * An array of {@code elements} elements of the type of {@code format}.
   *
   * @param pieceBytes of a piece at most
   */
  static DeviceArray of(String name, WeightFormat format, long elements, int pieceBytes) {
    int count = Math.toIntExact(Math.max(elements, 1));
    int pieceElements = Math.min(count, pieceBytes / format.elementBytes);
    MemorySegment memory = ZeroMemory.map(TornadoNativeArray.ARRAY_HEADER + (long) count * format.elementBytes);
    return switch (format) {
      case F32 -> new DeviceArray(name, new FloatArray(pieceElements), FloatArray.fromSegmentShallow(memory));
      case F16 -> new DeviceArray(name, new HalfFloatArray(pieceElements), HalfFloatArray.fromSegmentShallow(memory));
      case Q8, Q4, E2M1 -> new DeviceArray(name, new IntArray(pieceElements), IntArray.fromSegmentShallow(memory));
    };
  }

  TornadoNativeArray array() {
    return array;
  }

  /** Adds what puts a piece into the array to the graph {@code graphName}. */
  void addTo(TaskGraph graph, String graphName, KernelContext context, GridScheduler grids) {
    graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, range, piece);
    switch (array) {
      case FloatArray floats -> graph.task(name, CopyKernels::floats, context, range, (FloatArray) piece, floats);
      case HalfFloatArray halves ->
        graph.task(name, CopyKernels::halves, context, range, (HalfFloatArray) piece, halves);
      case IntArray words -> graph.task(name, CopyKernels::words, context, range, (IntArray) piece, words);
      default -> throw new IllegalStateException(array.toString());
    }
    grids.addWorkerGrid(graphName + "." + name, grid);
    graph.persistOnDevice(array);
  }

  /** Where the next piece is written before it is sent; {@link #capacity} elements. */
  MemorySegment piece() {
    return piece.getSegment();
  }

  /** Elements of a piece. */
  int capacity() {
    return piece.getSize();
  }

  /** Says where the piece goes when the graph runs next, and how many elements of it. */
  void aim(long at, int count) {
    range.set(CopyKernels.AT, Math.toIntExact(at));
    range.set(CopyKernels.COUNT, count);
  }
}
