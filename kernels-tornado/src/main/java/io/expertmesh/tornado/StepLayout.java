package io.expertmesh.tornado;

/**
 * What goes to the device for a step, in one array of floats (one transfer): a stamp, the number of rows, that of
 * tiles, the tiles, then the rows. A tile is some rows of one expert: its slot, its first row, its number of rows, and its
 * first chunk (see {@link TensorKernel}), as whole numbers.
 *
 * <p>Every kernel hands the stamp on from its input to its output. So a result that has the stamp of its step was
 * computed by all kernels of that step: OpenCL drivers report some errors late or only in a log.
 */
final class StepLayout {
  static final int STAMP = 0;
  /** Where the number of rows is. */
  static final int ROWS = 1;
  /** Where the number of tiles is. */
  static final int TILE_COUNT = 2;
  /** Where the tiles begin. */
  static final int TILES = 4;
  /** Numbers of a tile. */
  static final int TILE = 4;
  /** Where the rows begin in what kernels write. */
  static final int OUTPUTS_AT = 32;
  /** Whole numbers up to here are exact floats. */
  static final int STAMPS = 1 << 24;

  private StepLayout() {}

  /** Where the rows begin in a step for up to {@code rows} rows, each of which may be a tile of its own. */
  static int rowsAt(int rows) {
    return Math.ceilDiv(TILES + TILE * rows, 32) * 32;
  }
}
