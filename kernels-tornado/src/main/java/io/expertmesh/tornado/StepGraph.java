package io.expertmesh.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * The task graph of a step of up to as many rows as its size says. There is one for each size since TornadoVM sends
 * whole arrays.
 */
abstract sealed class StepGraph permits PlainGraph, TensorGraph {
  protected final String name;
  protected final BankShape shape;
  protected final FactorLayout layout;
  protected final StepSize size;
  protected final FloatArray step;
  protected final FloatArray out;
  protected final int rowsAt;

  protected StepGraph(String name, BankShape shape, StepSize size) {
    this.name = name;
    this.shape = shape;
    this.layout = new FactorLayout(shape);
    this.size = size;
    this.rowsAt = StepLayout.rowsAt(size.rows());
    this.step = new FloatArray(rowsAt + size.rows() * shape.hidden());
    this.out = new FloatArray(StepLayout.OUTPUTS_AT + size.rows() * shape.hidden());
  }

  /** @param name letters and digits, of this graph alone */
  static StepGraph of(String name, BankShape shape, StepSize size) {
    return switch (size.kind()) {
      case STREAM, TILE -> new PlainGraph(name, shape, size);
      case TENSOR_16, TENSOR_64 -> new TensorGraph(name, shape, size);
    };
  }

  /** Bytes of device memory that such a graph takes beside the weights. */
  static long bytes(BankShape shape, StepSize size) {
    long between = switch (size.kind()) {
      case STREAM, TILE -> PlainGraph.betweenBytes(shape, size);
      case TENSOR_16, TENSOR_64 -> TensorGraph.betweenBytes(shape, size);
    };
    long inputs = StepLayout.rowsAt(size.rows()) + (long) size.rows() * shape.hidden();
    long outputs = StepLayout.OUTPUTS_AT + (long) size.rows() * shape.hidden();
    return Float.BYTES * (inputs + outputs) + between;
  }

  StepSize size() {
    return size;
  }

  /**
   * @param weights the arrays of the two matrices and the factors
   * @param uploadGraph which fills them
   */
  TaskGraph graph(KernelContext context, GridScheduler grids, BankArrays weights, String uploadGraph) {
    TaskGraph graph = new TaskGraph(name)
        .transferToDevice(DataTransferMode.FIRST_EXECUTION, weights.floats(), weights.halves(), weights.words())
        .transferToDevice(DataTransferMode.EVERY_EXECUTION, step);
    for (DeviceArray array : weights.all()) {
      graph.consumeFromDevice(uploadGraph, array.array());
    }
    addTasks(graph, context, grids, weights);
    return graph.transferToHost(DataTransferMode.UNDER_DEMAND, out);
  }

  /** Adds what makes {@link #out} of {@link #step}. */
  protected abstract void addTasks(TaskGraph graph, KernelContext context, GridScheduler grids, BankArrays weights);

  /** Says how many threads the next step needs. */
  protected abstract void setThreads(int tiles, int rows);

  /** A grid of work groups of {@code threads}. */
  protected static WorkerGrid1D grid(int threads) {
    WorkerGrid1D grid = new WorkerGrid1D(threads);
    grid.setLocalWork(threads, 1, 1);
    return grid;
  }

  protected static void setGroups(WorkerGrid1D grid, long groups) {
    grid.setGlobalWork(groups * grid.getLocalWork()[0], 1, 1);
  }

  /**
   * Writes a step to where the graph reads it, and sets how many threads it needs.
   *
   * @param x the rows, {@code hidden} each
   */
  void prepare(Step next, float stamp, float[] x) {
    MemorySegment memory = step.getSegment();
    int tileRows = size.kind().tileRows;
    int tiles = 0;
    int chunks = 0;
    int row = 0;
    for (int i = 0; i < next.segments(); i++) {
      int rows = next.rows(i);
      for (int from = 0; from < rows; from += tileRows) {
        int at = StepLayout.TILES + StepLayout.TILE * tiles++;
        int rowsOfTile = Math.min(tileRows, rows - from);
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, at, next.slot(i));
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, at + 1, row + from);
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, at + 2, rowsOfTile);
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, at + 3, chunks);
        chunks += Math.ceilDiv(rowsOfTile, TensorKernel.CHUNK);
      }
      MemorySegment.copy(x, next.source(i) * shape.hidden(), memory, ValueLayout.JAVA_FLOAT,
          Float.BYTES * (rowsAt + (long) row * shape.hidden()), rows * shape.hidden());
      row += rows;
    }
    memory.setAtIndex(ValueLayout.JAVA_FLOAT, StepLayout.STAMP, stamp);
    memory.setAtIndex(ValueLayout.JAVA_FLOAT, StepLayout.ROWS, row);
    memory.setAtIndex(ValueLayout.JAVA_FLOAT, StepLayout.TILE_COUNT, tiles);
    setThreads(tiles, row);
  }

  /**
   * Reads the outputs of the step that has run.
   *
   * @throws io.expertmesh.model.failure.FailureException UNAVAILABLE if they are not of this step
   */
  void collect(TornadoExecutionResult result, Step ran, float stamp, float[] to) {
    result.transferToHost(new DataRange(out).withSize(StepLayout.OUTPUTS_AT + (long) ran.rows() * shape.hidden()));
    MemorySegment memory = out.getSegment();
    if (memory.getAtIndex(ValueLayout.JAVA_FLOAT, StepLayout.STAMP) != stamp) {
      throw DeviceFailure.of("its kernels did not run; the log may have the driver's error", null);
    }
    int row = 0;
    for (int i = 0; i < ran.segments(); i++) {
      MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT,
          Float.BYTES * (StepLayout.OUTPUTS_AT + (long) row * shape.hidden()), to, ran.source(i) * shape.hidden(),
          ran.rows(i) * shape.hidden());
      row += ran.rows(i);
    }
  }
}
