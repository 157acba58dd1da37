package io.expertmesh.engine.experts;

import io.expertmesh.model.decoder.Routing;
import java.util.Arrays;

/**
 * Token rows grouped by expert, experts ascending, tokens ascending within an expert. Assignments of weight 0 have no
 * row.
 *
 * @param expertIds the experts that have rows
 * @param starts expert {@code expertIds[i]} has the rows starts[i] to starts[i + 1] (exclusive)
 * @param tokens (rows) the token of each row
 * @param assignments (rows) where the row stands in the routing: {@code token * topK + rank}
 * @param rowsOfToken (tokens, topK) the rows of each token, by ascending expert id; then -1 if it has fewer than topK
 */
public record DispatchPlan(int[] expertIds, int[] starts, int[] tokens, int[] assignments, int[] rowsOfToken) {
  /** What {@link #rowsOfToken} has where a token has no further row. */
  static final int NO_ROW = -1;

  /** Number of (token, expert) pairs. */
  public int rows() {
    return tokens.length;
  }

  /** Groups the rows of {@code routing}. */
  public static DispatchPlan of(Routing routing, int experts) {
    int assigned = routing.tokens() * routing.topK();
    int[] count = new int[experts + 1];
    for (int i = 0; i < assigned; i++) {
      if (routing.weights()[i] != 0) {
        count[routing.expertIds()[i] + 1]++;
      }
    }
    int active = 0;
    for (int e = 0; e < experts; e++) {
      active += count[e + 1] > 0 ? 1 : 0;
      count[e + 1] += count[e]; // count[e] is now the first row of expert e
    }
    int rows = count[experts];
    int[] ids = new int[active];
    int[] starts = new int[active + 1];
    for (int e = 0, i = 0; e < experts; e++) {
      if (count[e + 1] > count[e]) {
        ids[i] = e;
        starts[i++] = count[e];
      }
    }
    starts[active] = rows;
    int[] tokens = new int[rows];
    int[] assignments = new int[rows];
    for (int i = 0; i < assigned; i++) {
      if (routing.weights()[i] != 0) {
        int row = count[routing.expertIds()[i]]++;
        tokens[row] = i / routing.topK();
        assignments[row] = i;
      }
    }
    int[] rowsOfToken = new int[assigned];
    Arrays.fill(rowsOfToken, NO_ROW);
    int[] filled = new int[routing.tokens()];
    for (int row = 0; row < rows; row++) { // rows ascend by expert
      int token = tokens[row];
      rowsOfToken[token * routing.topK() + filled[token]++] = row;
    }
    return new DispatchPlan(ids, starts, tokens, assignments, rowsOfToken);
  }
}
