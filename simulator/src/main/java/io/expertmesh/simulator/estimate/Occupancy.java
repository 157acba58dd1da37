package io.expertmesh.simulator.estimate;

import io.expertmesh.simulator.placement.Groups;
import io.expertmesh.simulator.routing.Routing;
import java.util.Arrays;

/** What a batch of so many rows asks of each group in a layer, on average over layers. */
final class Occupancy {
  private static final int[] GRID = {0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024};

  /** By group: rows at its experts for each row of the batch. */
  final double[] rowShare;
  /** By group: rows at its busiest expert for each row of the batch. */
  final double[] busiestShare;
  /** By group: the part of the rows that visit it. */
  final double[] tokenShare;
  /** By group and point of the grid: how likely it is called at all, and how many of its experts have rows. */
  private final double[][] called;
  private final double[][] experts;

  Occupancy(Routing routing, Groups groups) {
    int count = groups.count();
    int layers = routing.layers();
    rowShare = new double[count];
    busiestShare = new double[count];
    tokenShare = new double[count];
    called = new double[count][GRID.length];
    experts = new double[count][GRID.length];
    double[][] shares = routing.shares();
    int[] lastToken = new int[count];
    for (int layer = 0; layer < layers; layer++) {
      double[] touching = new double[count];
      Arrays.fill(lastToken, -1);
      for (int token = 0; token < routing.tokens(); token++) {
        for (int rank = 0; rank < routing.topK(); rank++) {
          int expert = routing.expert(layer, token, rank);
          int group = expert < 0 ? -1 : groups.of(expert);
          if (group >= 0 && lastToken[group] != token) {
            lastToken[group] = token;
            touching[group] += 1.0 / routing.tokens();
          }
        }
      }
      for (int group = 0; group < count; group++) {
        tokenShare[group] += touching[group] / layers;
        for (int point = 0; point < GRID.length; point++) {
          called[group][point] += (1 - Math.pow(1 - touching[group], GRID[point])) / layers;
        }
      }
      double[] busiest = new double[count];
      for (int expert = 0; expert < routing.experts(); expert++) {
        int group = groups.of(expert);
        double share = Math.min(1, shares[layer][expert]);
        rowShare[group] += share / layers;
        busiest[group] = Math.max(busiest[group], share);
        for (int point = 0; point < GRID.length; point++) {
          experts[group][point] += (1 - Math.pow(1 - share, GRID[point])) / layers;
        }
      }
      for (int group = 0; group < count; group++) {
        busiestShare[group] += busiest[group] / layers;
      }
    }
  }

  /** How likely {@code group} gets a message from a batch of {@code rows}. */
  double called(int group, double rows) {
    return at(called[group], rows);
  }

  /** Experts of {@code group} that have rows, on average. */
  double experts(int group, double rows) {
    return at(experts[group], rows);
  }

  private static double at(double[] values, double rows) {
    int right = 1;
    while (right < GRID.length - 1 && GRID[right] < rows) {
      right++;
    }
    double part = Math.min(1, (rows - GRID[right - 1]) / (GRID[right] - GRID[right - 1]));
    return values[right - 1] + part * (values[right] - values[right - 1]);
  }
}
