package io.expertmesh.tornado;

import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A step in f32: with the {@link StreamKernel}, or with the {@link TileKernel} and the activation between its two runs. */
final class PlainGraph extends StepGraph {
  private static final int ACTIVATION_THREADS = 64;

  private final boolean tiled;
  private final WorkerGrid1D wideGrid;
  private final WorkerGrid1D activationGrid = grid(ACTIVATION_THREADS);
  private final WorkerGrid1D downGrid;

  PlainGraph(String name, BankShape shape, StepSize size) {
    super(name, shape, size);
    this.tiled = size.kind() == StepSize.Kind.TILE;
    this.wideGrid = grid(tiled ? TileKernel.THREADS : StreamKernel.THREADS);
    this.downGrid = grid(tiled ? TileKernel.THREADS : StreamKernel.THREADS);
  }

  /** Bytes of what lies between the two products. */
  static long betweenBytes(BankShape shape, StepSize size) {
    long hiddenLayer = StepLayout.OUTPUTS_AT + (long) size.rows() * shape.size();
    long parts = size.kind() == StepSize.Kind.TILE
        ? StepLayout.OUTPUTS_AT + (long) size.rows() * shape.wideRows()
        : 0;
    return Float.BYTES * (hiddenLayer + parts);
  }

  @Override
  protected void addTasks(TaskGraph graph, KernelContext context, GridScheduler grids, BankArrays weights) {
    FloatArray factors = (FloatArray) weights.factors().array();
    FloatArray hiddenLayer = new FloatArray(StepLayout.OUTPUTS_AT + size.rows() * shape.size());
    float alpha = Activations.alpha(shape.activation());
    float limit = Activations.limit(shape.activation());
    int activation = Activations.number(shape.activation());
    DeviceArray wide = weights.wide();
    DeviceArray down = weights.down();
    if (tiled) {
      FloatArray parts = new FloatArray(StepLayout.OUTPUTS_AT + size.rows() * shape.wideRows());
      graph.task("wide", TileKernel::multiply, context, step, step, weights.floats(wide), weights.halves(wide),
          weights.words(wide), factors, parts, shape.wide().number, rowsAt, shape.hidden(), shape.wideRows(),
          layout.stride(), layout.wideScales(), layout.wideBiases());
      graph.task("activate", TileKernel::activate, context, step, parts, hiddenLayer, shape.size(), shape.parts(),
          activation, alpha, limit);
      graph.task("down", TileKernel::multiply, context, step, hiddenLayer, weights.floats(down),
          weights.halves(down), weights.words(down), factors, out, shape.down().number, StepLayout.OUTPUTS_AT,
          shape.size(), shape.hidden(), layout.stride(), layout.downScales(), layout.downBiases());
      grids.addWorkerGrid(name + ".activate", activationGrid);
    } else {
      graph.task("wide", StreamKernel::multiply, context, step, step, weights.floats(wide), weights.halves(wide),
          weights.words(wide), factors, hiddenLayer, shape.wide().number, rowsAt, shape.hidden(), shape.size(),
          shape.parts(), activation, alpha, limit, layout.stride(), layout.wideScales(), layout.wideBiases());
      graph.task("down", StreamKernel::multiply, context, step, hiddenLayer, weights.floats(down),
          weights.halves(down), weights.words(down), factors, out, shape.down().number, StepLayout.OUTPUTS_AT,
          shape.size(), shape.hidden(), 1, Activations.NONE, 0f, 0f, layout.stride(), layout.downScales(),
          layout.downBiases());
    }
    grids.addWorkerGrid(name + ".wide", wideGrid);
    grids.addWorkerGrid(name + ".down", downGrid);
  }

  @Override
  protected void setThreads(int tiles, int rows) {
    int wideOutputs = tiled ? shape.wideRows() : shape.size();
    setGroups(wideGrid, (long) tiles * Math.ceilDiv(wideOutputs, outputsOfGroup(shape.wide())));
    setGroups(downGrid, (long) tiles * Math.ceilDiv(shape.hidden(), outputsOfGroup(shape.down())));
    setGroups(activationGrid, Math.ceilDiv(rows * shape.size(), ACTIVATION_THREADS));
  }

  private int outputsOfGroup(WeightFormat format) {
    return tiled ? TileKernel.OUTPUTS : StreamKernel.outputs(format.number);
  }
}
