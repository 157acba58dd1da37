package io.expertmesh.tornado;

import java.util.List;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The arrays of a bank's weights. Kernels take one of each type for a matrix; those of the other types are empty. */
final class BankArrays {
  private static final int WIDE_PIECE = 4 << 20;
  private static final int DOWN_PIECE = 2 << 20;
  private static final int FACTORS_PIECE = 2 << 20;
  /** Bytes of device memory for what is sent next. */
  static final int PIECES = WIDE_PIECE + DOWN_PIECE + FACTORS_PIECE;

  private final DeviceArray wide;
  private final DeviceArray down;
  private final DeviceArray factors;
  private final FloatArray floats = new FloatArray(1);
  private final HalfFloatArray halves = new HalfFloatArray(1);
  private final IntArray words = new IntArray(1);

  BankArrays(BankShape shape, int slots) {
    this.wide = DeviceArray.of("wide", shape.wide(), slots * shape.wideElements(), WIDE_PIECE);
    this.down = DeviceArray.of("down", shape.down(), slots * shape.downElements(), DOWN_PIECE);
    this.factors = DeviceArray.of("factors", WeightFormat.F32, slots * shape.factors(), FACTORS_PIECE);
  }

  /**
   * The graph that sends a piece of each. One for all three, because a graph takes over arrays only from the one that
   * ran before it.
   */
  TaskGraph graph(String name, KernelContext context, GridScheduler grids) {
    TaskGraph graph = new TaskGraph(name);
    for (DeviceArray array : all()) {
      array.addTo(graph, name, context, grids);
    }
    return graph;
  }

  List<DeviceArray> all() {
    return List.of(wide, down, factors);
  }

  DeviceArray wide() {
    return wide;
  }

  DeviceArray down() {
    return down;
  }

  DeviceArray factors() {
    return factors;
  }

  /** The empty array. */
  FloatArray floats() {
    return floats;
  }

  /** The empty array. */
  HalfFloatArray halves() {
    return halves;
  }

  /** The empty array. */
  IntArray words() {
    return words;
  }

  FloatArray floats(DeviceArray matrix) {
    return matrix.array() instanceof FloatArray array ? array : floats;
  }

  HalfFloatArray halves(DeviceArray matrix) {
    return matrix.array() instanceof HalfFloatArray array ? array : halves;
  }

  IntArray words(DeviceArray matrix) {
    return matrix.array() instanceof IntArray array ? array : words;
  }
}
