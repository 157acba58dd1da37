package io.expertmesh.gateway.remote;

import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.RoutingTable;
import io.expertmesh.proto.v1.TableVersion;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The links to the replicas of the table. Changed on the control thread only.
 *
 * <p>A link outlives its place in the table while answers are due, for a while in which its process may be needed as a
 * stand-in, and as long as some expert has nobody else: a table without a process that still answers says more about the
 * router.
 */
final class Replicas {
  private final int experts;
  private final LinkSetup setup;
  private final RemoteCounters counters;
  private final Map<String, ReplicaLink> links = new LinkedHashMap<>();
  private volatile List<ReplicaLink> published = List.of();
  private volatile Holders holders;
  private volatile boolean moving;
  private volatile Set<Integer> asleep = Set.of();
  private RoutingTable table = RoutingTable.getDefaultInstance();
  private volatile TableVersion version = TableVersion.getDefaultInstance();

  Replicas(int experts, LinkSetup setup, RemoteCounters counters) {
    this.experts = experts;
    this.setup = setup;
    this.counters = counters;
    this.holders = Holders.of(experts, List.of());
  }

  Holders holders() {
    return holders;
  }

  /** The links there are. */
  List<ReplicaLink> links() {
    return published;
  }

  /** Whether first connections to replicas of the table in use are being made. */
  boolean isMoving() {
    return moving;
  }

  /** Experts that nobody holds and that are started when they are wanted, until they can be called. */
  Set<Integer> asleep() {
    return asleep;
  }

  /** Of the table in use. */
  TableVersion version() {
    return version;
  }

  /** Processes none of whose experts can be used, and why. */
  Map<String, String> refused() {
    Map<String, String> reasons = new HashMap<>();
    for (ReplicaLink link : links.values()) {
      String reason = link.rejection();
      if (reason != null) {
        reasons.put(link.processId, reason);
      }
    }
    return reasons;
  }

  void update(RoutingTable latest) {
    boolean anotherRouter = latest.getVersion().getEpoch() != version.getEpoch();
    table = latest;
    version = table.getVersion();
    Set<String> listed = new HashSet<>();
    for (Replica replica : table.getReplicasList()) {
      listed.add(replica.getProcessId());
      ReplicaLink link = links.get(replica.getProcessId());
      if (link == null) {
        link = new ReplicaLink(replica, setup, counters.of(replica));
        links.put(replica.getProcessId(), link);
        link.update(replica);
      } else if (!link.isAs(replica)) {
        link.update(replica);
      }
    }
    for (ReplicaLink link : links.values()) {
      if (!listed.contains(link.processId)) {
        link.lost(anotherRouter);
      }
    }
  }

  /**
   * Looks at all links again and closes those that nothing is expected of.
   *
   * @return whether other experts are unavailable than before
   */
  boolean recompute() {
    Holders before = holders;
    Holders now = lastResorts(Holders.of(experts, links.values()));
    Set<Integer> sleepers = asleep(now.unavailable());
    // Steps look at both: an expert that sleeps or wakes is never seen as one that is just missing.
    Set<Integer> both = new HashSet<>(asleep);
    both.addAll(sleepers);
    asleep = both;
    holders = now;
    asleep = sleepers;
    for (ReplicaLink link : List.copyOf(links.values())) {
      if (link.standing() == ReplicaLink.Standing.LOST && !now.needs(link)) {
        List<Attempt> due = link.inFlight();
        due.forEach(Attempt::hurry);
        if (due.isEmpty() && !link.mayStandIn()) {
          links.remove(link.processId);
          link.close("it left the routing table");
        }
      }
    }
    published = List.copyOf(links.values());
    moving = links.values().stream().anyMatch(link -> !link.promised().isEmpty());
    return !now.unavailable().equals(before.unavailable());
  }

  /** Those that the table says, and those that it said and that have a replica by now, to which there is no connection yet. */
  private Set<Integer> asleep(Set<Integer> unavailable) {
    if (unavailable.isEmpty()) {
      return Set.of();
    }
    Set<Integer> ids = new HashSet<>();
    for (Replica replica : table.getReplicasList()) {
      if (replica.getState() == ReplicaState.REPLICA_STATE_READY) {
        ids.addAll(replica.getExpertIdsList());
      }
    }
    ids.retainAll(asleep);
    ids.addAll(table.getSleepingExpertIdsList());
    ids.retainAll(unavailable);
    return Set.copyOf(ids);
  }

  /** What there is when replicas with open breakers are asked where there are no others. */
  private Holders lastResorts(Holders trusted) {
    boolean more = false;
    if (!trusted.unavailable().isEmpty()) {
      for (ReplicaLink link : links.values()) {
        more |= link.callAsLastResort(trusted.unavailable());
      }
    }
    return more ? Holders.of(experts, links.values()) : trusted;
  }

  void close() {
    List<ReplicaLink> all = new ArrayList<>(links.values());
    links.clear();
    holders = new Holders(new int[experts], List.of(List.of()), Integer.MAX_VALUE,
        Set.copyOf(IntStream.range(0, experts).boxed().toList()));
    all.forEach(link -> link.close("the gateway stops"));
  }
}
