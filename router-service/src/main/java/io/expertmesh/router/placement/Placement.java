package io.expertmesh.router.placement;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.Assignment;
import io.expertmesh.proto.v1.ExpertMove;
import io.expertmesh.proto.v1.Fingerprint;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.router.loop.EventLoop;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.router.metrics.RouterCounters.Event;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Which experts the processes hold that take assignments, by model. An expert moves without a request noticing: its
 * new process gets it in addition; when it has loaded it, the table sends calls there; when all gateways follow that
 * table, the old process gives it up. Belongs to the event loop.
 */
public final class Placement {
  private final EventLoop loop;
  private final PlacementSettings settings;
  private final RouterCounters counters;
  private final AssignmentIds ids;
  private final Map<Fingerprint, Pool> pools = new LinkedHashMap<>();
  private final Map<String, Pool> poolOf = new HashMap<>();
  private final Map<String, Shard> shards = new HashMap<>();
  private final List<MoveOrder> orders = new ArrayList<>();

  public Placement(EventLoop loop, PlacementSettings settings, RouterCounters counters) {
    this.loop = loop;
    this.settings = settings;
    this.counters = counters;
    this.ids = new AssignmentIds(loop.millis());
  }

  /**
   * A process is new, or says how it is now.
   *
   * @param settled whether all processes had time to register, so that one that comes now was not there before
   */
  public void heardFrom(Fingerprint fingerprint, ShardReport report, boolean settled) {
    ids.seen(report.assignmentId());
    Pool before = poolOf.get(report.id());
    Pool pool = pools.computeIfAbsent(fingerprint, model -> new Pool(model, settings));
    if (before != null && before != pool) {
      left(report.id());
    }
    Shard shard = shards.get(report.id());
    if (shard != null) {
      shard.report(report);
    } else {
      shard = new Shard(report);
      shards.put(report.id(), shard);
      poolOf.put(report.id(), pool);
      pool.join(shard, settled, loop.nanos());
    }
  }

  /** A process is gone, or does not take assignments any more. */
  public void left(String process) {
    Shard shard = shards.remove(process);
    Pool pool = poolOf.remove(process);
    if (shard != null && pool != null) {
      pool.leave(shard, loop.nanos());
    }
  }

  /** Whether there is anything to place. */
  public boolean isActive() {
    return !pools.isEmpty();
  }

  /** Brings wishes and calls up to date; before the table is made. */
  public void reconcile(boolean settled) {
    for (Pool pool : pools.values()) {
      pool.reconcile(settled, loop.nanos());
    }
    pools.values().removeIf(Pool::isEmpty);
  }

  /** What the process is called for, ascending; null if it takes no assignments. */
  public @Nullable List<Integer> calledFor(String process) {
    Shard shard = shards.get(process);
    return shard == null ? null : shard.calledFor();
  }

  /** Whether a drained process is called until others have loaded its experts. */
  public boolean isStillNeeded(String process) {
    Shard shard = shards.get(process);
    return shard != null && shard.isStillNeeded();
  }

  /** After the table went out: gives up what nobody calls, and returns the processes with a new assignment. */
  public List<String> published(TableVersion version, AcknowledgedVersions acknowledged) {
    long now = loop.nanos();
    List<String> news = new ArrayList<>();
    for (Shard shard : shards.values()) {
      shard.published(version, now + settings.acknowledgement().toNanos());
      int released = shard.release(acknowledged, now);
      for (int i = 0; i < released; i++) {
        counters.count(Event.EXPERT_RELEASED);
      }
      shard.assign(ids);
      if (shard.takeNews()) {
        news.add(shard.id);
      }
    }
    orders.removeIf(order -> order.isOver(version, now));
    return news;
  }

  /** What the process shall hold now; null if it takes no assignments or has had none. */
  public @Nullable Assignment assignment(String process) {
    Shard shard = shards.get(process);
    if (shard == null || shard.assigned().id() == 0) {
      return null;
    }
    return Assignment.newBuilder().setId(shard.assigned().id()).addAllExpertIds(shard.assigned().expertIds()).build();
  }

  /** Experts that no process has room for. */
  public int unplaced() {
    return pools.values().stream().mapToInt(Pool::unplaced).sum();
  }

  /**
   * Begins moves; the next {@link #reconcile} and {@link #published} carry them out.
   *
   * @return completes with the version of the table that holds all of them
   * @throws FailureException if they are not possible; then none is begun
   */
  public CompletableFuture<TableVersion> move(List<ExpertMove> moves) {
    MoveOrder order = MoveOrder.begin(moves, shards.values(), poolOf, shards::containsValue, counters,
        loop.nanos() + settings.moveTimeout().toNanos());
    orders.add(order);
    return order.done();
  }

  /** The moves that balance the load, by model. */
  public List<BalancePlan> plan(LoadByExpert load) {
    List<BalancePlan> plans = new ArrayList<>();
    for (Pool pool : pools.values()) {
      List<Shard> shards = pool.shards().stream().filter(Shard::takesExperts).toList();
      List<Double> speeds = RelativeSpeeds.of(shards.stream().map(Shard::rowsPerSecond).toList());
      List<BalancePlan.Bin> bins = new ArrayList<>(shards.size());
      for (int i = 0; i < shards.size(); i++) {
        Shard shard = shards.get(i);
        bins.add(new BalancePlan.Bin(shard.name(), shard.wanted(), shard.room(), speeds.get(i)));
      }
      plans.add(BalancePlan.of(bins, load.of(pool.version())));
    }
    return plans;
  }

  /** Measured load. */
  public interface LoadByExpert {
    /** Rows a second of each expert of a version. */
    Map<Integer, Double> of(String version);
  }
}
