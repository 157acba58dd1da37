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
 * The task graph of a step of up to {@code capacity} rows: with the {@link StreamKernel}, or with the
 * {@link TileKernel} and the activation between its two runs. There is one for each capacity since TornadoVM sends
 * whole arrays.
 */
final class StepGraph {
  private static final int ACTIVATION_THREADS = 64;

  private final String name;
  private final BankShape shape;
  private final int capacity;
  private final boolean tiled;
  private final FloatArray step;
  private final FloatArray out;
  private final int rowsAt;
  private final WorkerGrid1D wideGrid = new WorkerGrid1D(StreamKernel.THREADS);
  private final WorkerGrid1D activationGrid = new WorkerGrid1D(ACTIVATION_THREADS);
  private final WorkerGrid1D downGrid = new WorkerGrid1D(StreamKernel.THREADS);

  StepGraph(String name, BankShape shape, int capacity, boolean tiled) {
    this.name = name;
    this.shape = shape;
    this.capacity = capacity;
    this.tiled = tiled;
    this.rowsAt = StepLayout.rowsAt(capacity);
    this.step = new FloatArray(stepFloats(shape, capacity));
    this.out = new FloatArray(outFloats(shape, capacity));
    int threads = tiled ? TileKernel.THREADS : StreamKernel.THREADS;
    wideGrid.setLocalWork(threads, 1, 1);
    downGrid.setLocalWork(threads, 1, 1);
    activationGrid.setLocalWork(ACTIVATION_THREADS, 1, 1);
  }

  private static int stepFloats(BankShape shape, int capacity) {
    return StepLayout.rowsAt(capacity) + capacity * shape.hidden();
  }

  private static int outFloats(BankShape shape, int capacity) {
    return StepLayout.OUTPUTS_AT + capacity * shape.hidden();
  }

  /** Bytes of device memory that such a graph takes beside the weights. */
  static long bytes(BankShape shape, int capacity, boolean tiled) {
    long hiddenLayer = StepLayout.OUTPUTS_AT + (long) capacity * shape.size();
    long parts = tiled ? StepLayout.OUTPUTS_AT + (long) capacity * shape.wideRows() : 0;
    return Float.BYTES * (stepFloats(shape, capacity) + outFloats(shape, capacity) + hiddenLayer + parts);
  }

  /** Rows of a tile at most. */
  int tileRows() {
    return tiled ? TileKernel.ROWS : StreamKernel.TILE_ROWS;
  }

  int capacity() {
    return capacity;
  }

  boolean tiled() {
    return tiled;
  }

  /**
   * @param weights the arrays of the two matrices and the factors
   * @param uploadGraph which fills them
   */
  TaskGraph graph(KernelContext context, GridScheduler grids, BankArrays weights, String uploadGraph) {
    FactorLayout layout = new FactorLayout(shape);
    FloatArray factors = (FloatArray) weights.factors().array();
    FloatArray hiddenLayer = new FloatArray(StepLayout.OUTPUTS_AT + capacity * shape.size());
    float alpha = Activations.alpha(shape.activation());
    float limit = Activations.limit(shape.activation());
    int activation = Activations.number(shape.activation());
    DeviceArray wide = weights.wide();
    DeviceArray down = weights.down();
    TaskGraph graph = new TaskGraph(name)
        .transferToDevice(DataTransferMode.FIRST_EXECUTION, weights.floats(), weights.halves(), weights.words())
        .transferToDevice(DataTransferMode.EVERY_EXECUTION, step);
    for (DeviceArray array : weights.all()) {
      graph.consumeFromDevice(uploadGraph, array.array());
    }
    if (tiled) {
      FloatArray parts = new FloatArray(StepLayout.OUTPUTS_AT + capacity * shape.wideRows());
      graph.task("wide", TileKernel::multiply, context, step, step, weights.floats(wide), weights.halves(wide),
          weights.words(wide), factors, parts, shape.wide().number, rowsAt, shape.hidden(),
          shape.wideRows(), layout.stride(),
          layout.wideScales(), layout.wideBiases());
      graph.task("activate", TileKernel::activate, context, step, parts, hiddenLayer, shape.size(), shape.parts(),
          activation, alpha, limit);
      graph.task("down", TileKernel::multiply, context, step, hiddenLayer, weights.floats(down),
          weights.halves(down), weights.words(down), factors, out, shape.down().number,
          StepLayout.OUTPUTS_AT, shape.size(), shape.hidden(), layout.stride(), layout.downScales(),
          layout.downBiases());
      grids.addWorkerGrid(name + ".activate", activationGrid);
    } else {
      graph.task("wide", StreamKernel::multiply, context, step, step, weights.floats(wide), weights.halves(wide),
          weights.words(wide), factors, hiddenLayer, shape.wide().number, rowsAt, shape.hidden(),
          shape.size(), shape.parts(), activation, alpha, limit, layout.stride(),
          layout.wideScales(), layout.wideBiases());
      graph.task("down", StreamKernel::multiply, context, step, hiddenLayer, weights.floats(down),
          weights.halves(down), weights.words(down), factors, out, shape.down().number,
          StepLayout.OUTPUTS_AT, shape.size(), shape.hidden(), 1, Activations.NONE, 0f, 0f, layout.stride(),
          layout.downScales(), layout.downBiases());
    }
    grids.addWorkerGrid(name + ".wide", wideGrid);
    grids.addWorkerGrid(name + ".down", downGrid);
    return graph.transferToHost(DataTransferMode.UNDER_DEMAND, out);
  }

  /**
   * Writes a step to where the graph reads it, and sets how many threads it needs.
   *
   * @param x the rows, {@code hidden} each
   */
  void prepare(Step next, float stamp, float[] x) {
    MemorySegment memory = step.getSegment();
    int tiles = 0;
    int row = 0;
    for (int i = 0; i < next.segments(); i++) {
      int rows = next.rows(i);
      for (int from = 0; from < rows; from += tileRows()) {
        int at = StepLayout.TILES + 3 * tiles++;
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, at, next.slot(i));
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, at + 1, row + from);
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, at + 2, Math.min(tileRows(), rows - from));
      }
      MemorySegment.copy(x, next.source(i) * shape.hidden(), memory, ValueLayout.JAVA_FLOAT,
          Float.BYTES * (rowsAt + (long) row * shape.hidden()), rows * shape.hidden());
      row += rows;
    }
    memory.setAtIndex(ValueLayout.JAVA_FLOAT, StepLayout.STAMP, stamp);
    memory.setAtIndex(ValueLayout.JAVA_FLOAT, StepLayout.ROWS, row);
    setThreads(tiles, row);
  }

  private void setThreads(int tiles, int rows) {
    int threads = tiled ? TileKernel.THREADS : StreamKernel.THREADS;
    int outputs = tiled ? TileKernel.OUTPUTS : StreamKernel.OUTPUTS;
    int wideOutputs = tiled ? shape.wideRows() : shape.size();
    wideGrid.setGlobalWork((long) tiles * Math.ceilDiv(wideOutputs, outputs) * threads, 1, 1);
    downGrid.setGlobalWork((long) tiles * Math.ceilDiv(shape.hidden(), outputs) * threads, 1, 1);
    activationGrid.setGlobalWork(
        (long) Math.ceilDiv(rows * shape.size(), ACTIVATION_THREADS) * ACTIVATION_THREADS, 1, 1);
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
