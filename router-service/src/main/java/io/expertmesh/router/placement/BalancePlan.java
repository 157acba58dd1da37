package io.expertmesh.router.placement;

import io.expertmesh.proto.v1.ExpertMove;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Moves that relieve the busiest process: as in longest-processing-time scheduling the largest load that fits goes to
 * the process with the least, but from where experts are now, and only as long as a move lowers the peak by a
 * noticeable part. So few experts move.
 *
 * @param busiestBefore rows a second of the busiest process now, divided by its speed
 * @param busiestAfter the same after the moves
 */
public record BalancePlan(List<ExpertMove> moves, double busiestBefore, double busiestAfter) {
  /** A move must lower the load of the two processes that it concerns by this part of the larger one. */
  private static final double WORTH = 0.05;
  /** Without load experts count alike, with load this hardly matters. */
  private static final double IDLE_SHARE = 1e-6;

  /**
   * A process.
   *
   * @param experts what it shall hold
   * @param room how many more fit
   * @param speed as a multiple of what most processes compute in a second
   */
  public record Bin(String name, Set<Integer> experts, int room, double speed) {
    public Bin {
      experts = Set.copyOf(experts);
    }
  }

  private static final class Filled {
    final Bin bin;
    final TreeSet<Integer> experts;
    int room;
    double weight;

    Filled(Bin bin) {
      this.bin = bin;
      this.experts = new TreeSet<>(bin.experts());
      this.room = bin.room();
    }

    /** How busy it is with {@code more} load: the time that its work takes. */
    double busy(double more) {
      return (weight + more) / bin.speed();
    }
  }

  public BalancePlan {
    moves = List.copyOf(moves);
  }

  /** @param load rows a second of each expert; a copy's share is its part of them */
  public static BalancePlan of(List<Bin> bins, Map<Integer, Double> load) {
    List<Filled> all = bins.stream().map(Filled::new).toList();
    Map<Integer, Integer> copies = new HashMap<>();
    all.forEach(bin -> bin.experts.forEach(expert -> copies.merge(expert, 1, Integer::sum)));
    double idle = Math.max(1, load.values().stream().mapToDouble(Double::doubleValue).sum()) * IDLE_SHARE;
    Map<Integer, Double> weights = new HashMap<>();
    copies.forEach((expert, count) -> weights.put(expert, (load.getOrDefault(expert, 0.0) + idle) / count));
    all.forEach(bin -> bin.weight = bin.experts.stream().mapToDouble(e -> weights.getOrDefault(e, idle)).sum());
    double before = busiest(all, load, copies);
    List<ExpertMove> moves = new ArrayList<>();
    for (int limit = copies.size(); limit > 0; limit--) {
      ExpertMove move = best(all, weights);
      if (move == null) {
        break;
      }
      moves.add(move);
    }
    return new BalancePlan(moves, before, busiest(all, load, copies));
  }

  /** Makes the move that helps the fullest process most, if one is worth it. */
  private static @Nullable ExpertMove best(List<Filled> bins, Map<Integer, Double> weights) {
    Filled from = null;
    for (Filled bin : bins) {
      from = from == null || bin.busy(0) > from.busy(0) ? bin : from;
    }
    if (from == null) {
      return null;
    }
    Filled target = null;
    int moved = -1;
    double lowest = from.busy(0) * (1 - WORTH);
    for (Filled to : bins) {
      if (to == from || to.room <= 0) {
        continue;
      }
      for (int expert : from.experts) {
        double weight = weights.getOrDefault(expert, 0.0);
        double peak = Math.max(from.busy(-weight), to.busy(weight));
        if (peak < lowest && !to.experts.contains(expert)) {
          lowest = peak;
          target = to;
          moved = expert;
        }
      }
    }
    if (target == null) {
      return null;
    }
    double weight = weights.getOrDefault(moved, 0.0);
    from.experts.remove(moved);
    from.room++;
    from.weight -= weight;
    target.experts.add(moved);
    target.room--;
    target.weight += weight;
    return ExpertMove.newBuilder().setExpertId(moved).setFrom(from.bin.name()).setTo(target.bin.name()).build();
  }

  private static double busiest(List<Filled> bins, Map<Integer, Double> load, Map<Integer, Integer> copies) {
    return bins.stream()
        .mapToDouble(bin -> bin.experts.stream()
            .mapToDouble(e -> load.getOrDefault(e, 0.0) / copies.getOrDefault(e, 1)).sum() / bin.bin.speed())
        .max().orElse(0);
  }
}
