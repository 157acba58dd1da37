package io.expertmesh.router.placement;

import io.expertmesh.proto.v1.Fingerprint;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The processes that can hold the experts of one and the same model, and which of them shall hold what. All of it is
 * said by wishes ({@link Shard#want}), which {@link #reconcile} keeps whole as processes come and go; calls follow the
 * wishes when they are fulfilled.
 */
final class Pool {
  private static final Logger log = LoggerFactory.getLogger(Pool.class);

  private record Lost(String id, String name, List<Integer> experts, long deadlineNanos) {}

  private final PlacementSettings settings;
  private final List<Integer> experts;
  private final String version;
  private final Map<String, Shard> shards = new TreeMap<>();
  private final List<Lost> lost = new ArrayList<>();
  private final Map<Integer, Integer> copies = new HashMap<>();
  private boolean placed;
  private long lastJoinNanos;
  private int unplaced;

  Pool(Fingerprint fingerprint, PlacementSettings settings) {
    this.settings = settings;
    this.version = fingerprint.getVersion();
    this.experts = List.copyOf(new TreeSet<>(fingerprint.getExpertDigestsMap().keySet()));
  }

  String version() {
    return version;
  }

  List<Integer> experts() {
    return experts;
  }

  Collection<Shard> shards() {
    return shards.values();
  }

  boolean isEmpty() {
    return shards.isEmpty() && lost.isEmpty();
  }

  /** Experts that no process has room for. */
  int unplaced() {
    return unplaced;
  }

  void join(Shard shard, boolean settled, long nanos) {
    shards.put(shard.id, shard);
    lastJoinNanos = nanos;
    Lost former = formerOf(shard);
    if (former != null) {
      lost.remove(former);
      former.experts().forEach(shard::want);
      log.info("{} takes over experts {} of {}", shard.name(), ExpertRanges.of(former.experts()), former.name());
    } else {
      // It served before this router led, or was away for long.
      experts.stream().filter(shard::holds).forEach(shard::want);
      if (!settled) {
        shard.wanted().forEach(expert -> copies.merge(expert, Math.max(settings.replicas(), wanting(expert)),
            Math::max));
      }
    }
  }

  private @Nullable Lost formerOf(Shard shard) {
    for (Lost candidate : lost) {
      if (candidate.id().equals(shard.id) || candidate.name().equals(shard.name())) {
        return candidate;
      }
    }
    return lost.isEmpty() || shard.holdsAny() ? null : lost.getFirst();
  }

  void leave(Shard shard, long nanos) {
    shards.remove(shard.id);
    if (!shard.wanted().isEmpty() && shard.takesExperts()) {
      lost.add(new Lost(shard.id, shard.name(), List.copyOf(shard.wanted()), nanos + settings.grace().toNanos()));
    }
  }

  /** Makes the wishes whole again and decides where calls go. */
  void reconcile(boolean settled, long nanos) {
    lost.removeIf(gone -> {
      boolean over = nanos - gone.deadlineNanos() >= 0;
      if (over) {
        log.warn("{} did not come back; others take over its experts {}", gone.name(),
            ExpertRanges.of(gone.experts()));
      }
      return over;
    });
    placed = placed || placeFirst(settled, nanos);
    if (placed) {
      unplaced = refill();
      evacuate();
      if (settled) {
        trim();
      }
    }
    for (Shard shard : shards.values()) {
      shard.reviewLeaving(this::canBeCalledWhereWanted);
    }
  }

  private boolean placeFirst(boolean settled, long nanos) {
    if (shards.values().stream().anyMatch(Shard::holdsAny)) {
      return settled;
    }
    List<Shard> takers = new ArrayList<>(shards.values().stream().filter(Shard::takesExperts)
        .sorted(Comparator.comparing(Shard::name).thenComparing(shard -> shard.id)).toList());
    long waited = nanos - lastJoinNanos;
    boolean complete = settings.shards() > 0
        ? takers.size() >= settings.shards() || waited >= settings.patience().toNanos()
        : settled && waited >= settings.quiet().toNanos();
    if (!complete || takers.isEmpty() || experts.isEmpty()) {
      return false;
    }
    List<List<Integer>> parts = FirstPlacement.split(experts, takers.size(),
        Math.min(settings.replicas(), takers.size()));
    for (int i = 0; i < takers.size(); i++) {
      Shard shard = takers.get(i);
      parts.get(i).stream().limit(Math.max(0, shard.room())).forEach(shard::want);
      log.info("{} shall hold experts {} of {}", shard.name(), ExpertRanges.of(shard.wanted()), version);
    }
    return true;
  }

  /** Gives experts with too few copies to the processes with the fewest. Returns how many have none. */
  private int refill() {
    int homeless = 0;
    for (int expert : experts) {
      int missing = copiesOf(expert) - wantingOrLost(expert);
      while (missing > 0) {
        Shard taker = taker(expert);
        if (taker == null) {
          break;
        }
        taker.want(expert);
        missing--;
      }
      if (wantingOrLost(expert) == 0 && wantingAtAll(expert) == 0) {
        homeless++;
      }
    }
    return homeless;
  }

  private @Nullable Shard taker(int expert) {
    Shard best = null;
    for (Shard shard : shards.values()) {
      if (!shard.takesExperts() || shard.wants(expert) || !shard.hasRoomFor(expert)) {
        continue;
      }
      boolean better = best == null || (shard.holds(expert) != best.holds(expert)
          ? shard.holds(expert)
          : shard.wanted().size() < best.wanted().size());
      if (better) {
        best = shard;
      }
    }
    return best;
  }

  /** Takes from processes that shall not be called any more what others have taken over. */
  private void evacuate() {
    for (Shard shard : shards.values()) {
      if (!shard.takesExperts()) {
        for (int expert : List.copyOf(shard.wanted())) {
          if (wanting(expert) > 0) {
            shard.wantNoMore(expert);
          }
        }
      }
    }
  }

  /** Takes copies beyond those wanted from the processes with the most experts, those first that do not hold it yet. */
  private void trim() {
    for (int expert : experts) {
      int surplus = wanting(expert) - copiesOf(expert);
      while (surplus > 0) {
        Shard fullest = null;
        for (Shard shard : shards.values()) {
          if (!shard.takesExperts() || !shard.wants(expert)) {
            continue;
          }
          boolean fuller = fullest == null || (shard.holds(expert) != fullest.holds(expert)
              ? fullest.holds(expert)
              : shard.wanted().size() > fullest.wanted().size());
          if (fuller) {
            fullest = shard;
          }
        }
        if (fullest == null) {
          break;
        }
        fullest.wantNoMore(expert);
        surplus--;
      }
    }
  }

  private boolean canBeCalledWhereWanted(int expert) {
    boolean any = false;
    for (Shard shard : shards.values()) {
      if (shard.wants(expert)) {
        if (!shard.canServe(expert)) {
          return false;
        }
        any = true;
      }
    }
    return any;
  }

  /** Copies of the expert that there shall be. */
  int copiesOf(int expert) {
    return copies.getOrDefault(expert, settings.replicas());
  }

  void copiesOf(int expert, int count) {
    copies.put(expert, count);
  }

  private int wanting(int expert) {
    int count = 0;
    for (Shard shard : shards.values()) {
      count += shard.takesExperts() && shard.wants(expert) ? 1 : 0;
    }
    return count;
  }

  private int wantingAtAll(int expert) {
    int count = 0;
    for (Shard shard : shards.values()) {
      count += shard.wants(expert) ? 1 : 0;
    }
    return count;
  }

  private int wantingOrLost(int expert) {
    int count = wanting(expert);
    for (Lost gone : lost) {
      count += gone.experts().contains(expert) ? 1 : 0;
    }
    return count;
  }
}
