package io.expertmesh.router.placement;

import java.util.ArrayList;
import java.util.List;

/** The placement of a model that no process holds yet. */
final class FirstPlacement {
  private FirstPlacement() {}

  /**
   * Lays {@code copies} copies of the experts one after the other and cuts them into contiguous parts of equal size
   * (give or take one), so that no part has an expert twice.
   *
   * @param experts ascending
   * @param parts as many as there are processes
   * @param copies at most {@code parts}
   * @return the experts of each part
   */
  static List<List<Integer>> split(List<Integer> experts, int parts, int copies) {
    long slots = (long) experts.size() * copies;
    List<List<Integer>> result = new ArrayList<>();
    for (int part = 0; part < parts; part++) {
      List<Integer> mine = new ArrayList<>();
      for (long slot = slots * part / parts; slot < slots * (part + 1) / parts; slot++) {
        mine.add(experts.get((int) (slot % experts.size())));
      }
      result.add(mine);
    }
    return result;
  }
}
