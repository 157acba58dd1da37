package io.expertmesh.router.table;

import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.TableVersion;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Since when each replica has been in the table in its state, and whether all gateways route by a version that says so.
 * Whoever replaces one process by another waits for that, and so does a process that stops. Belongs to the event loop.
 */
final class TableEntries {
  private static final Logger log = LoggerFactory.getLogger(TableEntries.class);
  /** A gateway that is silent for longer holds nobody up. */
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private record Entry(ReplicaState state, TableVersion since, long nanos) {}

  /** Of replicas whose state some gateway may not know. */
  private final Map<String, Entry> waiting = new HashMap<>();
  private final Map<String, ReplicaState> known = new HashMap<>();

  /** The table has changed. */
  void update(TableVersion version, SortedMap<String, Replica> replicas, long nanos) {
    waiting.keySet().retainAll(replicas.keySet());
    known.keySet().retainAll(replicas.keySet());
    replicas.forEach((id, replica) -> {
      ReplicaState state = replica.getState();
      Entry entry = waiting.get(id);
      if (known.get(id) != state && (entry == null || entry.state() != state)) {
        known.remove(id);
        waiting.put(id, new Entry(state, version, nanos));
      }
    });
  }

  /** Versions begin anew: what gateways acknowledged before says nothing of this table. */
  void restart(TableVersion version) {
    waiting.replaceAll((id, entry) -> new Entry(entry.state(), version, entry.nanos()));
  }

  /** The ids of those whose state all gateways know by now and did not when this was asked last. */
  List<String> nowKnown(Predicate<TableVersion> acknowledgedByAll, long nanos) {
    Map<String, ReplicaState> fresh = new HashMap<>();
    waiting.forEach((id, entry) -> {
      if (acknowledgedByAll.test(entry.since())) {
        fresh.put(id, entry.state());
      } else if (nanos - entry.nanos() >= PATIENCE.toNanos()) {
        log.warn("Process {} counts as {} although a gateway has not acknowledged it for {} s", id,
            entry.state() == ReplicaState.REPLICA_STATE_READY ? "in service" : "released", PATIENCE.toSeconds());
        fresh.put(id, entry.state());
      }
    });
    waiting.keySet().removeAll(fresh.keySet());
    known.putAll(fresh);
    return List.copyOf(fresh.keySet());
  }

  /** The state that all gateways know the replica in; null if some may not know the one that it has. */
  @Nullable
  ReplicaState known(String id) {
    return known.get(id);
  }
}
