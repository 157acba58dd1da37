package io.expertmesh.router.table;

import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.TableVersion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Since when each ready replica has been in the table without a break, and whether all gateways route by a version that
 * has it. Whoever replaces one process by another waits for that. Belongs to the event loop.
 */
final class TableEntries {
  private static final Logger log = LoggerFactory.getLogger(TableEntries.class);
  /** A gateway that is silent for longer does not hold replacements up. */
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private record Entry(TableVersion since, long nanos) {}

  /** Of replicas that some gateway may not know. */
  private final Map<String, Entry> waiting = new HashMap<>();
  private final Set<String> known = new HashSet<>();

  /** The table has changed. */
  void update(TableVersion version, SortedMap<String, Replica> replicas, long nanos) {
    waiting.keySet().removeIf(id -> !isReady(replicas.get(id)));
    known.removeIf(id -> !isReady(replicas.get(id)));
    replicas.forEach((id, replica) -> {
      if (isReady(replica) && !known.contains(id)) {
        waiting.putIfAbsent(id, new Entry(version, nanos));
      }
    });
  }

  /** Versions begin anew: what gateways acknowledged before says nothing of this table. */
  void restart(TableVersion version) {
    waiting.replaceAll((id, entry) -> new Entry(version, entry.nanos()));
  }

  /** The ids of those that all gateways know by now and did not when this was asked last. */
  List<String> nowKnown(Predicate<TableVersion> acknowledgedByAll, long nanos) {
    List<String> fresh = new ArrayList<>();
    waiting.forEach((id, entry) -> {
      if (acknowledgedByAll.test(entry.since())) {
        fresh.add(id);
      } else if (nanos - entry.nanos() >= PATIENCE.toNanos()) {
        log.warn("Process {} counts as in service although a gateway has not acknowledged it for {} s", id,
            PATIENCE.toSeconds());
        fresh.add(id);
      }
    });
    fresh.forEach(waiting::remove);
    known.addAll(fresh);
    return fresh;
  }

  boolean isKnown(String id) {
    return known.contains(id);
  }

  private static boolean isReady(@Nullable Replica replica) {
    return replica != null && replica.getState() == ReplicaState.REPLICA_STATE_READY;
  }
}
