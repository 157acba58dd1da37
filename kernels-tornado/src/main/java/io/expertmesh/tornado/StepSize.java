package io.expertmesh.tornado;

import java.util.ArrayList;
import java.util.List;

/**
 * A capacity that steps are compiled for.
 *
 * @param rows of a step at most
 * @param tiled whether its kernels are those for many rows of an expert
 */
record StepSize(int rows, boolean tiled) {
  /** Rows of an expert, in the mean of a step, from which on the tiled kernels are quicker. */
  static final int TILED_FROM = 8;
  /** Rows of a step at most; more are several steps. */
  static final int MOST_ROWS = 512;
  private static final List<Integer> CAPACITIES = List.of(8, 64, MOST_ROWS);

  /** The sizes for steps of up to {@code maxRows} rows. */
  static List<StepSize> upTo(int maxRows) {
    List<StepSize> sizes = new ArrayList<>();
    for (int rows : CAPACITIES) {
      sizes.add(new StepSize(rows, false));
      if (rows > TILED_FROM) {
        sizes.add(new StepSize(rows, true));
      }
      if (rows >= maxRows) {
        break;
      }
    }
    return sizes;
  }

  /** Rows of the largest of {@code sizes}. */
  static int most(List<StepSize> sizes) {
    return sizes.getLast().rows();
  }

  String name() {
    return (tiled ? "tiled" : "stream") + rows;
  }
}
