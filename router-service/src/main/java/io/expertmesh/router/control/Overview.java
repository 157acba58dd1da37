package io.expertmesh.router.control;

import io.expertmesh.proto.v1.Assignment;
import io.expertmesh.proto.v1.GetStateResponse;
import io.expertmesh.proto.v1.ProcessStatus;
import io.expertmesh.router.load.ExpertRates;
import io.expertmesh.router.placement.ExpertRanges;
import io.expertmesh.router.placement.Placement;
import io.expertmesh.router.placement.RelativeSpeeds;
import io.expertmesh.router.placement.ReplicaPlan;
import io.expertmesh.router.registry.Member;
import io.expertmesh.router.registry.Registry;
import io.expertmesh.router.table.RoutingSnapshot;
import io.expertmesh.router.table.RoutingTables;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** What the control plane knows, put together for operators, metrics and plans. Belongs to the event loop. */
final class Overview {
  private final Registry registry;
  private final RoutingTables tables;
  private final Placement placement;
  private final ExpertRates rates;

  Overview(Registry registry, RoutingTables tables, Placement placement, ExpertRates rates) {
    this.registry = registry;
    this.tables = tables;
    this.placement = placement;
    this.rates = rates;
  }

  /** Everything, as operators see it. */
  GetStateResponse state(long now) {
    RoutingSnapshot table = tables.newest();
    GetStateResponse.Builder state = GetStateResponse.newBuilder()
        .setVersion(table.version())
        .addAllGateways(tables.gateways())
        .addAllTraffic(table.traffic())
        .addAllRates(rates.all(now));
    for (Member member : registry.members()) {
      ProcessStatus.Builder process = ProcessStatus.newBuilder()
          .setRegistration(member.registration())
          .setDrained(member.isDrained())
          .setLeaseLeftMillis((member.leaseEndNanos() - now) / 1_000_000)
          .setRowsPerSecond(member.load().perSecond(now));
      Assignment assignment = placement.assignment(member.id());
      if (assignment != null) {
        process.addAllAssignedExpertIds(assignment.getExpertIdsList());
      }
      state.addProcesses(process);
    }
    return state.build();
  }

  /** The load by group of processes and layer. */
  List<GroupLoad> groupLoads(long now) {
    record Key(String version, String experts) {}
    Map<Key, List<Member>> groups = new LinkedHashMap<>();
    for (Member member : registry.members()) {
      String experts = placement.calledFor(member.id()) != null
          ? "auto"
          : ExpertRanges.of(member.registration().getExpertIdsList());
      groups.computeIfAbsent(new Key(member.version(), experts), key -> new ArrayList<>()).add(member);
    }
    List<GroupLoad> loads = new ArrayList<>();
    groups.forEach((key, members) -> {
      SortedMap<Integer, Double> byLayer = new TreeMap<>();
      members.forEach(member -> member.load().byLayer(now).forEach((l, rate) -> byLayer.merge(l, rate, Double::sum)));
      loads.add(new GroupLoad(key.version(), key.experts(), members.size(), byLayer));
    });
    return loads;
  }

  /** Processes with experts of their own choice that hold the same ones of the same model. */
  List<ReplicaPlan.Group> groups(long now) {
    record Key(String version, List<Integer> experts) {}
    record Sum(int replicas, double load, double speed) {
      Sum plus(Sum other) {
        return new Sum(replicas + other.replicas, load + other.load, speed + other.speed);
      }
    }
    List<Member> members = registry.members().stream()
        .filter(member -> member.isReady() && !member.isDrained() && placement.calledFor(member.id()) == null).toList();
    List<Double> speeds = RelativeSpeeds.of(members.stream()
        .map(member -> member.registration().getRowsPerSecond()).toList());
    Map<Key, Sum> groups = new LinkedHashMap<>();
    for (int i = 0; i < members.size(); i++) {
      Member member = members.get(i);
      groups.merge(new Key(member.version(), member.registration().getExpertIdsList()),
          new Sum(1, member.load().perSecond(now), speeds.get(i)), Sum::plus);
    }
    List<ReplicaPlan.Group> result = new ArrayList<>();
    groups.forEach((key, sum) -> result.add(
        new ReplicaPlan.Group(key.experts(), sum.replicas(), sum.load(), sum.speed() / sum.replicas())));
    return result;
  }
}
