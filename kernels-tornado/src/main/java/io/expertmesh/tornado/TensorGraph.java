package io.expertmesh.tornado;

import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** A step on tensor cores, with {@link TensorKernel} and {@link TensorRows}. What lies between them stays on the device. */
final class TensorGraph extends StepGraph {
  private final int chunks;
  private final WorkerGrid1D packGrid = grid(TensorRows.THREADS);
  private final WorkerGrid1D wideGrid;
  private final WorkerGrid1D activateGrid = grid(TensorRows.THREADS);
  private final WorkerGrid1D downGrid;
  private final WorkerGrid1D unpackGrid = grid(TensorRows.THREADS);

  TensorGraph(String name, BankShape shape, StepSize size) {
    super(name, shape, size);
    this.chunks = size.kind().tileRows / TensorKernel.CHUNK;
    this.wideGrid = grid(TensorKernel.outputs(chunks));
    this.downGrid = grid(TensorKernel.outputs(chunks));
  }

  /** Bytes of what lies between the kernels. */
  static long betweenBytes(BankShape shape, StepSize size) {
    long halves = inputs(shape.hidden(), size) + inputs(shape.size(), size);
    long floats = outputs(shape.wideRows(), size) + outputs(shape.hidden(), size) + 2L * outputs(1, size);
    return Short.BYTES * halves + Float.BYTES * floats;
  }

  /** Halves for the inputs of a product. A step's last tile is read as if it were full. */
  private static long inputs(int width, StepSize size) {
    return 2L * (size.chunks() + size.kind().tileRows / TensorKernel.CHUNK) * width * TensorKernel.CHUNK;
  }

  /** Floats for the outputs of a product. */
  private static long outputs(int width, StepSize size) {
    long padded = (long) Math.ceilDiv(width, TensorKernel.OUTPUTS) * TensorKernel.OUTPUTS;
    return StepLayout.OUTPUTS_AT + size.chunks() * padded * TensorKernel.CHUNK;
  }

  private static HalfFloatArray halves(long count) {
    return HalfFloatArray.fromSegmentShallow(
        ZeroMemory.map(TornadoNativeArray.ARRAY_HEADER + Math.multiplyExact(count, Short.BYTES)));
  }

  private static FloatArray floats(long count) {
    return FloatArray.fromSegmentShallow(
        ZeroMemory.map(TornadoNativeArray.ARRAY_HEADER + Math.multiplyExact(count, Float.BYTES)));
  }

  @Override
  protected void addTasks(TaskGraph graph, KernelContext context, GridScheduler grids, BankArrays weights) {
    FloatArray factors = (FloatArray) weights.factors().array();
    DeviceArray wide = weights.wide();
    DeviceArray down = weights.down();
    HalfFloatArray x = halves(inputs(shape.hidden(), size));
    FloatArray xUnits = floats(outputs(1, size));
    FloatArray sums = floats(outputs(shape.wideRows(), size));
    HalfFloatArray hiddenLayer = halves(inputs(shape.size(), size));
    FloatArray hiddenUnits = floats(outputs(1, size));
    FloatArray downSums = floats(outputs(shape.hidden(), size));
    int xLow = Math.toIntExact(inputs(shape.hidden(), size) / 2);
    int hiddenLow = Math.toIntExact(inputs(shape.size(), size) / 2);
    graph.task("pack", TensorRows::pack, context, step, x, xUnits, chunks, xLow, rowsAt, shape.hidden());
    graph.task("wide", TensorKernel::multiply, context, step, x, xUnits, weights.halves(wide), weights.words(wide),
        factors, sums, shape.wide().number, chunks, xLow, shape.hidden(), shape.wideRows(), layout.stride(),
        layout.wideScales(), layout.wideRowFactors());
    graph.task("activate", TensorRows::activate, context, step, sums, xUnits, factors, hiddenLayer, hiddenUnits,
        shape.wide().number, chunks, hiddenLow, shape.size(), shape.parts(), layout.stride(),
        layout.wideRowFactors(), layout.wideBiases(), Activations.number(shape.activation()),
        Activations.alpha(shape.activation()), Activations.limit(shape.activation()));
    graph.task("down", TensorKernel::multiply, context, step, hiddenLayer, hiddenUnits, weights.halves(down),
        weights.words(down), factors, downSums, shape.down().number, chunks, hiddenLow, shape.size(), shape.hidden(),
        layout.stride(), layout.downScales(), layout.downRowFactors());
    graph.task("unpack", TensorRows::unpack, context, step, downSums, hiddenUnits, factors, out,
        shape.down().number, chunks, shape.hidden(), layout.stride(), layout.downRowFactors(), layout.downBiases());
    grids.addWorkerGrid(name + ".pack", packGrid);
    grids.addWorkerGrid(name + ".wide", wideGrid);
    grids.addWorkerGrid(name + ".activate", activateGrid);
    grids.addWorkerGrid(name + ".down", downGrid);
    grids.addWorkerGrid(name + ".unpack", unpackGrid);
  }

  @Override
  protected void setThreads(int tiles, int rows) {
    setGroups(packGrid, (long) tiles * chunks);
    setGroups(wideGrid, (long) tiles * Math.ceilDiv(shape.wideRows(), TensorKernel.outputs(chunks)));
    setGroups(activateGrid, (long) tiles * chunks);
    setGroups(downGrid, (long) tiles * Math.ceilDiv(shape.hidden(), TensorKernel.outputs(chunks)));
    setGroups(unpackGrid, (long) tiles * chunks * Math.ceilDiv(shape.hidden(), TensorRows.LANES));
  }
}
