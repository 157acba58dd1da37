package io.expertmesh.tornado;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A capacity that steps are compiled for, and the kernels that compute them.
 *
 * @param rows of a step at most
 */
record StepSize(int rows, Kind kind) {
  /** Rows of a step at most; more are several steps. */
  static final int MOST_ROWS = 512;
  private static final List<Integer> CAPACITIES = List.of(8, 64, MOST_ROWS);

  /** Kernels. */
  enum Kind {
    /** See {@link StreamKernel}. */
    STREAM(StreamKernel.TILE_ROWS),
    /** See {@link TileKernel}. */
    TILE(TileKernel.ROWS),
    /** See {@link TensorKernel}. */
    TENSOR_16(16), TENSOR_64(64);

    /** Rows of a tile at most. */
    final int tileRows;

    Kind(int tileRows) {
      this.tileRows = tileRows;
    }
  }

  /**
   * The sizes for experts of {@code shape}, in steps of up to {@code maxRows} rows.
   *
   * @param tensorCores whether the device has those that TornadoVM knows
   */
  static List<StepSize> of(BankShape shape, int maxRows, boolean tensorCores) {
    boolean tensors = tensorCores && shape.suitsTensorCores();
    List<StepSize> sizes = new ArrayList<>();
    for (int rows : CAPACITIES) {
      sizes.add(new StepSize(rows, Kind.STREAM));
      if (rows > Kind.TILE.tileRows) {
        sizes.add(new StepSize(rows, tensors ? Kind.TENSOR_16 : Kind.TILE));
      }
      if (rows > Kind.TENSOR_64.tileRows && tensors) {
        sizes.add(new StepSize(rows, Kind.TENSOR_64));
      }
      if (rows >= maxRows) {
        break;
      }
    }
    return sizes;
  }

  /** Rows of the largest size up to which steps of {@code maxRows} rows need sizes. */
  static int most(int maxRows) {
    return CAPACITIES.stream().filter(rows -> rows >= maxRows).findFirst().orElse(MOST_ROWS);
  }

  /** Rows of an expert, in the mean of a step, from which on these kernels are the quickest. */
  int fromRows() {
    return switch (kind) {
      case STREAM -> 0;
      case TILE -> 8;
      case TENSOR_16 -> 2;
      case TENSOR_64 -> 17;
    };
  }

  /** Tiles of a step at most: every expert has at least {@link #fromRows} rows in the mean. */
  int tiles() {
    return rows / kind.tileRows + rows / Math.max(1, fromRows());
  }

  /** Chunks of {@value TensorKernel#CHUNK} rows in a step at most. */
  int chunks() {
    return rows / TensorKernel.CHUNK + rows / Math.max(1, fromRows());
  }

  String name() {
    return kind.name().toLowerCase(Locale.ROOT).replace("_", "") + "x" + rows;
  }
}
