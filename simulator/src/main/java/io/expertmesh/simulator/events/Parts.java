package io.expertmesh.simulator.events;

import io.expertmesh.simulator.Sharing;
import java.util.Arrays;

/**
 * A group's rows of one layer in parts for several replicas, as gateways make them: an expert's rows are one piece, or
 * two where a replica's fair share ends amid many; each piece, the largest first, goes to the part that has the fewest
 * rows.
 */
final class Parts {
  /** By expert: how many rows it has that are in no piece yet, and then the piece of its next row. */
  private final int[] rowsOf;
  private final int[] pieceOf;
  /** By piece, in the order of experts. */
  private int[] rows = new int[64];
  private int[] partOf = new int[64];
  private int[] largestFirst = new int[64];
  private int pieces;
  private int[] partRows = new int[16];

  /** @param experts of the model in a layer */
  Parts(int experts) {
    rowsOf = new int[experts];
    pieceOf = new int[experts];
  }

  /** Forgets all pieces. */
  void clear() {
    pieces = 0;
  }

  /** An expert has a row. */
  void count(int expert) {
    rowsOf[expert]++;
  }

  /**
   * Divides the rows of the experts of a group, after all are counted.
   *
   * @param members the group's experts
   * @param parts at most {@code replicas}
   * @return how many of the parts have rows
   */
  int divide(int[] members, int parts, int replicas) {
    int first = pieces;
    cut(members, replicas);
    sort(first);
    partRows = parts > partRows.length ? new int[parts] : partRows;
    Arrays.fill(partRows, 0, parts, 0);
    int used = 0;
    for (int i = first; i < pieces; i++) {
      int piece = largestFirst[i];
      int fewest = 0;
      for (int part = 1; part < parts; part++) {
        fewest = partRows[part] < partRows[fewest] ? part : fewest;
      }
      partRows[fewest] += rows[piece];
      partOf[piece] = fewest;
      used = Math.max(used, fewest + 1);
    }
    return used;
  }

  private void cut(int[] members, int replicas) {
    int all = 0;
    for (int expert : members) {
      all += rowsOf[expert];
    }
    int share = Math.ceilDiv(all, replicas);
    int shareLeft = 0;
    for (int expert : members) {
      pieceOf[expert] = pieces;
      while (rowsOf[expert] > 0) {
        shareLeft = shareLeft > 0 ? shareLeft : share;
        int taken = rowsOf[expert];
        if (shareLeft >= Sharing.ROWS_WORTH_READING && taken - shareLeft >= Sharing.ROWS_WORTH_READING) {
          taken = shareLeft;
        }
        shareLeft -= taken;
        rowsOf[expert] -= taken;
        add(taken);
      }
    }
  }

  private void add(int taken) {
    if (pieces == rows.length) {
      rows = Arrays.copyOf(rows, 2 * pieces);
      partOf = Arrays.copyOf(partOf, 2 * pieces);
      largestFirst = Arrays.copyOf(largestFirst, 2 * pieces);
    }
    rows[pieces++] = taken;
  }

  /** By insertion: there are few, and equals keep their order. */
  private void sort(int first) {
    for (int piece = first; piece < pieces; piece++) {
      int at = piece;
      for (; at > first && rows[largestFirst[at - 1]] < rows[piece]; at--) {
        largestFirst[at] = largestFirst[at - 1];
      }
      largestFirst[at] = piece;
    }
  }

  /** The part that the next row of {@code expert} is in. */
  int next(int expert) {
    int piece = pieceOf[expert];
    if (--rows[piece] == 0) {
      pieceOf[expert]++;
    }
    return partOf[piece];
  }
}
