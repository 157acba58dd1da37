package io.expertmesh.router.table;

import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.RoutingTable;
import io.expertmesh.proto.v1.RoutingTableDelta;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.proto.v1.TrafficShare;
import io.expertmesh.proto.v1.WatchRoutingTableResponse;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One version of the routing table. Never changes. */
public final class RoutingSnapshot {
  /** By epoch, then by number. */
  public static final Comparator<TableVersion> ORDER = (a, b) -> {
    int byEpoch = Long.compareUnsigned(a.getEpoch(), b.getEpoch());
    return byEpoch != 0 ? byEpoch : Long.compareUnsigned(a.getNumber(), b.getNumber());
  };

  private final TableVersion version;
  private final SortedMap<String, Replica> replicas;
  private final List<TrafficShare> traffic;
  private final List<Integer> sleeping;
  private final @Nullable TableVersion before;
  private final WatchRoutingTableResponse delta;

  private RoutingSnapshot(TableVersion version, SortedMap<String, Replica> replicas, List<TrafficShare> traffic,
      List<Integer> sleeping, @Nullable RoutingSnapshot before) {
    this.version = version;
    this.replicas = Collections.unmodifiableSortedMap(new TreeMap<>(replicas));
    this.traffic = List.copyOf(traffic);
    this.sleeping = List.copyOf(sleeping);
    this.before = before == null ? null : before.version;
    this.delta = before == null
        ? WatchRoutingTableResponse.getDefaultInstance()
        : WatchRoutingTableResponse.newBuilder().setDelta(changesSince(before)).build();
  }

  /** The first of an epoch. */
  static RoutingSnapshot first(long epoch, SortedMap<String, Replica> replicas, List<TrafficShare> traffic,
      List<Integer> sleeping) {
    return new RoutingSnapshot(TableVersion.newBuilder().setEpoch(epoch).setNumber(1).build(), replicas, traffic,
        sleeping, null);
  }

  /** What comes after this one; itself if nothing changed. */
  RoutingSnapshot next(SortedMap<String, Replica> newReplicas, List<TrafficShare> newTraffic,
      List<Integer> newSleeping) {
    if (newReplicas.equals(replicas) && newTraffic.equals(traffic) && newSleeping.equals(sleeping)) {
      return this;
    }
    TableVersion next = version.toBuilder().setNumber(version.getNumber() + 1).build();
    return new RoutingSnapshot(next, newReplicas, newTraffic, newSleeping, this);
  }

  private RoutingTableDelta changesSince(RoutingSnapshot earlier) {
    RoutingTableDelta.Builder changes = RoutingTableDelta.newBuilder().setVersion(version).addAllTraffic(traffic)
        .addAllSleepingExpertIds(sleeping);
    replicas.forEach((id, replica) -> {
      if (!replica.equals(earlier.replicas.get(id))) {
        changes.addReplicas(replica);
      }
    });
    for (String id : earlier.replicas.keySet()) {
      if (!replicas.containsKey(id)) {
        changes.addRemoved(id);
      }
    }
    return changes.build();
  }

  public TableVersion version() {
    return version;
  }

  /** By process id. */
  public SortedMap<String, Replica> replicas() {
    return replicas;
  }

  public List<TrafficShare> traffic() {
    return traffic;
  }

  /** Experts that no replica holds and that are started when they are wanted, ascending. */
  public List<Integer> sleeping() {
    return sleeping;
  }

  boolean follows(TableVersion other) {
    return other.equals(before);
  }

  /** What turns the version before it into this one; only if there was one in the same epoch. */
  WatchRoutingTableResponse delta() {
    if (before == null) {
      throw new IllegalStateException("the first version has none before it");
    }
    return delta;
  }

  /** All of it. */
  WatchRoutingTableResponse full() {
    return WatchRoutingTableResponse.newBuilder()
        .setTable(RoutingTable.newBuilder()
            .setVersion(version)
            .addAllReplicas(replicas.values())
            .addAllTraffic(traffic)
            .addAllSleepingExpertIds(sleeping))
        .build();
  }
}
