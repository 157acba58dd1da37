package io.expertmesh.router.table;

import io.expertmesh.proto.v1.GatewayStatus;
import io.expertmesh.proto.v1.RefusedProcess;
import io.expertmesh.proto.v1.Replica;
import io.expertmesh.proto.v1.ReplicaState;
import io.expertmesh.proto.v1.TableVersion;
import io.expertmesh.proto.v1.TrafficShare;
import io.expertmesh.proto.v1.WatchRoutingTableRequest;
import io.expertmesh.router.loop.EventLoop;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.router.metrics.RouterCounters.Event;
import io.expertmesh.router.registry.Refusal;
import io.expertmesh.router.registry.RegistrationRules;
import io.expertmesh.router.scaling.GatewayDemand;
import io.expertmesh.router.scaling.GatewayNeeds;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The routing table's newest version and the gateways that follow it. Each gateway gets the whole table first, then
 * what changes; one that reads too slowly gets the newest whole table when it reads again, so nothing queues up.
 *
 * <p>A router that has just begun to lead does not know all processes yet. A gateway that has a table of an earlier
 * router keeps it until the settle time is over, counted from the first replica: a table without any says more about the
 * router, or a machine that is too busy for handshakes, than about the replicas. A gateway without a table gets what
 * there is at once. Belongs to the event loop.
 */
public final class RoutingTables {
  private static final Logger log = LoggerFactory.getLogger(RoutingTables.class);

  private static final class Watcher {
    final WatcherLink link;
    final String gateway;
    final boolean hasEarlierTable;
    @Nullable
    TableVersion acknowledged;
    @Nullable
    RoutingSnapshot sent;
    Set<Integer> wanted = Set.of();
    List<RefusedProcess> refused = List.of();
    final GatewayDemand demand = new GatewayDemand();

    Watcher(WatcherLink link, String gateway, boolean hasEarlierTable, @Nullable TableVersion acknowledged) {
      this.link = link;
      this.gateway = gateway;
      this.hasEarlierTable = hasEarlierTable;
      this.acknowledged = acknowledged;
    }
  }

  private final EventLoop loop;
  private final int maxGateways;
  private final RouterCounters counters;
  private final long settleNanos;
  private final long settledAtNanos;
  private final Map<WatcherLink, Watcher> watchers = new LinkedHashMap<>();
  private final TableEntries entries = new TableEntries();
  private RoutingSnapshot newest;
  private boolean settled;
  private @Nullable Long firstReplicaNanos;
  /** Whether the table is given to gateways that have an earlier router's. */
  private boolean complete;

  /** @param settle how long processes get to register with a router that has just begun to lead */
  public RoutingTables(EventLoop loop, Duration settle, int maxGateways, RouterCounters counters) {
    this.loop = loop;
    this.maxGateways = maxGateways;
    this.counters = counters;
    this.settleNanos = settle.toNanos();
    this.settledAtNanos = loop.nanos() + settle.toNanos();
    this.settled = !settle.isPositive();
    this.complete = settled;
    this.newest = RoutingSnapshot.first(loop.millis(), new TreeMap<>(), List.of(), List.of());
  }

  /**
   * A message on a gateway's stream: the first one subscribes, the others acknowledge. Returns whether it was a first
   * one from a gateway with the table of an earlier router.
   */
  public boolean heardFrom(WatcherLink link, WatchRoutingTableRequest request) {
    Watcher watcher = watchers.get(link);
    if (watcher != null) {
      said(watcher, request);
      acknowledge(watcher, request.getVersion());
      return false;
    }
    try {
      RegistrationRules.name("gateway", request.getGateway());
      if (watchers.size() >= maxGateways) {
        throw Refusal.tooMany("%d gateways follow the table already, as many as max-gateways allows.".formatted(
            watchers.size()));
      }
    } catch (Refusal refused) {
      counters.count(refused.event());
      log.warn("Refused a watcher: {}", refused.getMessage());
      link.close(refused.status());
      return false;
    }
    TableVersion known = request.hasVersion() ? request.getVersion() : null;
    boolean earlier = known != null && known.getEpoch() != newest.version().getEpoch();
    watcher = new Watcher(link, request.getGateway(), earlier, known);
    said(watcher, request);
    watchers.put(link, watcher);
    log.info("Gateway {} follows the routing table", watcher.gateway);
    if (known != null && RoutingSnapshot.ORDER.compare(known, newest.version()) > 0) {
      newest = RoutingSnapshot.first(known.getEpoch() + 1, newest.replicas(), newest.traffic(), newest.sleeping());
      entries.restart(newest.version());
      offerToAll();
    } else {
      offer(watcher);
    }
    return earlier;
  }

  private void said(Watcher watcher, WatchRoutingTableRequest request) {
    watcher.wanted = Set.copyOf(request.getWantedExpertIdsList());
    watcher.refused = request.getRefusedList();
    if (request.hasLoad()) {
      watcher.demand.add(request.getLoad(), loop.nanos());
    }
  }

  private void acknowledge(Watcher watcher, TableVersion version) {
    if (RoutingSnapshot.ORDER.compare(version, newest.version()) <= 0) {
      watcher.acknowledged = version;
    }
  }

  /** A gateway's stream ended. */
  public void disconnected(WatcherLink link) {
    Watcher gone = watchers.remove(link);
    if (gone != null) {
      log.info("Gateway {} does not follow the routing table any more", gone.gateway);
    }
  }

  /** A gateway that read slowly takes messages again. */
  public void ready(WatcherLink link) {
    Watcher watcher = watchers.get(link);
    if (watcher != null) {
      offer(watcher);
    }
  }

  /** Lets time pass. */
  public void tick() {
    if (!settled && loop.nanos() - settledAtNanos >= 0) {
      settled = true;
    }
    if (!complete && settled && firstReplicaNanos != null && loop.nanos() - firstReplicaNanos >= settleNanos) {
      complete = true;
      log.info("Settled: the routing table has {} replicas", newest.replicas().size());
      offerToAll();
    }
  }

  /** Whether all processes had time to register. */
  public boolean isSettled() {
    return settled;
  }

  /** Makes a new version if anything changed, and sends it. */
  public void publish(SortedMap<String, Replica> replicas, List<TrafficShare> traffic, List<Integer> sleeping) {
    if (firstReplicaNanos == null && !replicas.isEmpty()) {
      firstReplicaNanos = loop.nanos();
    }
    RoutingSnapshot next = newest.next(replicas, traffic, sleeping);
    if (next != newest) {
      newest = next;
      entries.update(newest.version(), newest.replicas(), loop.nanos());
      counters.count(Event.TABLE_PUBLISHED);
      offerToAll();
    }
  }

  private void offerToAll() {
    watchers.values().forEach(this::offer);
  }

  private void offer(Watcher watcher) {
    RoutingSnapshot sent = watcher.sent;
    boolean waits = !complete && watcher.hasEarlierTable;
    if (sent == newest || waits || !watcher.link.isReady()) {
      return;
    }
    boolean next = sent != null && newest.follows(sent.version());
    watcher.link.send(next ? newest.delta() : newest.full());
    watcher.sent = newest;
    counters.count(next ? Event.DELTA_SENT : Event.FULL_TABLE_SENT);
  }

  /** Experts that requests wait for, at any gateway. */
  public Set<Integer> wanted() {
    Set<Integer> wanted = new HashSet<>();
    watchers.values().forEach(watcher -> wanted.addAll(watcher.wanted));
    return wanted;
  }

  /** What those gateways have to do that say so. */
  public GatewayNeeds gatewayNeeds() {
    GatewayNeeds all = GatewayNeeds.NONE;
    for (Watcher watcher : watchers.values()) {
      all = all.plus(watcher.demand.needs(loop.nanos()));
    }
    return all;
  }

  public RoutingSnapshot newest() {
    return newest;
  }

  /** Whether every gateway routes by {@code version} or a later one. */
  public boolean acknowledgedByAll(TableVersion version) {
    return watchers.values().stream().allMatch(watcher -> watcher.acknowledged != null
        && RoutingSnapshot.ORDER.compare(watcher.acknowledged, version) >= 0);
  }

  /**
   * The ids of replicas whose state every gateway goes by now, or had long enough to, and did not when this was asked last.
   * None before all processes and gateways had time to come: those of an earlier router may not have found this one.
   */
  public List<String> nowKnown() {
    return settled ? entries.nowKnown(this::acknowledgedByAll, loop.nanos()) : List.of();
  }

  /** Whether {@link #nowKnown} has named the replica and it has been ready since. */
  public boolean isInService(String id) {
    return entries.known(id) == ReplicaState.REPLICA_STATE_READY;
  }

  /** Whether {@link #nowKnown} has named the replica and it has been draining since. */
  public boolean isReleased(String id) {
    return entries.known(id) == ReplicaState.REPLICA_STATE_DRAINING;
  }

  /** Why every gateway refuses the replica; empty if one does not, or there is none. */
  public String refusal(String id) {
    String reason = "";
    for (Watcher watcher : watchers.values()) {
      reason = watcher.refused.stream().filter(refused -> refused.getProcessId().equals(id)).findFirst()
          .map(refused -> "gateway " + watcher.gateway + ": " + refused.getReason()).orElse("");
      if (reason.isEmpty()) {
        return reason;
      }
    }
    return reason;
  }

  public List<GatewayStatus> gateways() {
    List<GatewayStatus> all = new ArrayList<>();
    for (Watcher watcher : watchers.values()) {
      GatewayStatus.Builder status = GatewayStatus.newBuilder().setGateway(watcher.gateway)
          .addAllRefused(watcher.refused);
      if (watcher.acknowledged != null) {
        status.setAcknowledged(watcher.acknowledged);
      }
      all.add(status.build());
    }
    return all;
  }

  /** Ends all streams. */
  public void close(Status why) {
    watchers.keySet().forEach(link -> link.close(why));
    watchers.clear();
  }
}
