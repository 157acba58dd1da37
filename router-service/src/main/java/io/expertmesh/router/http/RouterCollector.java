package io.expertmesh.router.http;

import io.expertmesh.proto.v1.GetStateResponse;
import io.expertmesh.proto.v1.ProcessStatus;
import io.expertmesh.proto.v1.RegisterRequest;
import io.expertmesh.router.control.ControlSession;
import io.expertmesh.router.control.GroupLoad;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.router.placement.ExpertRanges;
import io.expertmesh.router.scaling.GatewayNeeds;
import io.expertmesh.router.scaling.GroupNeeds;
import io.expertmesh.transport.Fingerprints;
import io.expertmesh.transport.RefusedCallers;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the router knows, read once per scrape. Load is by group of processes and layer; beyond {@value #MAX_GROUPS}
 * groups it is left out, so that the number of series stays bounded.
 */
final class RouterCollector implements MultiCollector {
  static final int MAX_GROUPS = 128;
  private static final int PATIENCE_SECONDS = 2;

  private record Reading(GetStateResponse state, List<GroupLoad> groups, List<GroupNeeds> needs, GatewayNeeds gateways,
      int replicas, int unplaced) {}

  private final ControlSession control;
  private final RouterCounters counters;
  private final RefusedCallers refused;

  RouterCollector(ControlSession control, RouterCounters counters, RefusedCallers refused) {
    this.control = control;
    this.counters = counters;
    this.refused = refused;
  }

  @Override
  public MetricSnapshots collect() {
    Reading reading = read();
    List<MetricSnapshot> all = new ArrayList<>();
    all.add(events());
    all.add(refusedCallers());
    Boolean traffic = control.isTrafficFileGood();
    if (traffic != null) {
      all.add(gauge("expertmesh_router_traffic_file_good", "1 if the shares are what the traffic file says",
          traffic ? 1 : 0));
    }
    all.add(gauge("expertmesh_router_leader", "1 if this router leads", reading == null ? 0 : 1));
    if (reading != null) {
      all.add(processes(reading.state()));
      all.add(gauge("expertmesh_router_gateways", "Gateways that follow the table",
          reading.state().getGatewaysCount()));
      all.add(gauge("expertmesh_router_gateways_waiting_requests", "Requests in the queues of all gateways lately",
          reading.gateways().waiting()));
      all.add(gauge("expertmesh_router_gateways_busy",
          "How many gateways the requests would fill that ran lately", reading.gateways().running()));
      all.add(gauge("expertmesh_router_gateways_kv_used",
          "How many gateways' pages for keys and values were held lately", reading.gateways().kv()));
      all.add(gauge("expertmesh_router_table_number", "Number of the table's version in its epoch",
          (double) reading.state().getVersion().getNumber()));
      all.add(gauge("expertmesh_router_table_replicas", "Replicas in the table", reading.replicas()));
      all.add(gauge("expertmesh_router_unplaced_experts", "Experts that no process has room for",
          reading.unplaced()));
      if (reading.groups().size() <= MAX_GROUPS) {
        all.add(replicas(reading.groups()));
        all.add(dtypes(reading.state()));
        all.add(load(reading.groups()));
      }
      if (reading.needs().size() <= MAX_GROUPS) {
        all.add(need("expertmesh_router_group_busy_replicas",
            "Replicas that would have computed all the time, by the experts of their group", reading.needs(),
            GroupNeeds::busyReplicas));
        all.add(need("expertmesh_router_group_capacity_rows_per_second",
            "Rows a second that one replica computes when it does nothing else", reading.needs(),
            GroupNeeds::capacity));
        all.add(need("expertmesh_router_group_queue_delay_seconds", "The longest that a batch waited lately",
            reading.needs(), group -> group.queueDelay().toNanos() / 1e9));
        all.add(need("expertmesh_router_group_floor_replicas",
            "Replicas that stay while another one of their group starts", reading.needs(), GroupNeeds::floor));
        all.add(need("expertmesh_router_group_wanted", "1 if requests wait for a group without a replica",
            reading.needs(), group -> group.wanted() ? 1 : 0));
      }
    }
    return new MetricSnapshots(all);
  }

  private @Nullable Reading read() {
    CompletableFuture<@Nullable Reading> answer = new CompletableFuture<>();
    control.execute(plane -> answer.complete(plane == null
        ? null
        : new Reading(plane.state(), plane.groupLoads(), plane.needs(), plane.gatewayNeeds(),
            plane.table().replicas().size(), plane.unplacedExperts())));
    try {
      return answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException stuck) {
      return null;
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  private CounterSnapshot events() {
    CounterSnapshot.Builder counter = CounterSnapshot.builder().name("expertmesh_router_events")
        .help("What happened since the router started");
    for (RouterCounters.Event event : RouterCounters.Event.values()) {
      counter.dataPoint(count("event", event.label(), counters.get(event)));
    }
    return counter.build();
  }

  private CounterSnapshot refusedCallers() {
    CounterSnapshot.Builder counter = CounterSnapshot.builder().name("expertmesh_router_refused_callers")
        .help("Connections and calls that TLS and roles did not allow");
    for (RefusedCallers.Reason reason : RefusedCallers.Reason.values()) {
      counter.dataPoint(count("reason", reason.label(), refused.count(reason)));
    }
    return counter.build();
  }

  private static CounterSnapshot.CounterDataPointSnapshot count(String label, String value, long count) {
    return CounterSnapshot.CounterDataPointSnapshot.builder().labels(Labels.of(label, value)).value((double) count)
        .build();
  }

  private static GaugeSnapshot processes(GetStateResponse state) {
    TreeMap<String, Integer> byState = new TreeMap<>();
    for (ProcessStatus process : state.getProcessesList()) {
      String name = process.getRegistration().getState().name().replace("PROCESS_STATE_", "").toLowerCase(Locale.ROOT);
      byState.merge(process.getDrained() ? "drained" : name, 1, Integer::sum);
    }
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name("expertmesh_router_processes")
        .help("Registered processes by state");
    byState.forEach((name, count) -> gauge.dataPoint(point(Labels.of("state", name), count)));
    return gauge.build();
  }

  private static GaugeSnapshot replicas(List<GroupLoad> groups) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name("expertmesh_router_group_processes")
        .help("Processes by the experts that they hold");
    for (GroupLoad group : groups) {
      gauge.dataPoint(point(Labels.of("version", group.version(), "experts", group.experts()), group.replicas()));
    }
    return gauge.build();
  }

  private static GaugeSnapshot dtypes(GetStateResponse state) {
    Map<Labels, Integer> processes = new LinkedHashMap<>();
    for (ProcessStatus process : state.getProcessesList()) {
      RegisterRequest said = process.getRegistration();
      String experts = said.getTakesAssignments() ? "auto" : ExpertRanges.of(said.getExpertIdsList());
      processes.merge(Labels.of("version", said.getFingerprint().getVersion(), "experts", experts, "dtype",
          Fingerprints.heldDtype(said.getFingerprint())), 1, Integer::sum);
    }
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name("expertmesh_router_dtype_processes")
        .help("Processes by the experts that they hold and the type that they hold them in");
    processes.forEach((labels, count) -> gauge.dataPoint(point(labels, count)));
    return gauge.build();
  }

  private static GaugeSnapshot load(List<GroupLoad> groups) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name("expertmesh_router_group_rows_per_second")
        .help("Rows a second over the last minute, by group of processes and layer");
    for (GroupLoad group : groups) {
      group.rowsPerSecond().forEach((layer, rate) -> gauge.dataPoint(point(Labels.of("version", group.version(),
          "experts", group.experts(), "layer", Integer.toString(layer)), rate)));
    }
    return gauge.build();
  }

  private static GaugeSnapshot need(String name, String help, List<GroupNeeds> groups,
      ToDoubleFunction<GroupNeeds> value) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
    groups.forEach(group -> gauge.dataPoint(point(Labels.of("experts", group.experts()), value.applyAsDouble(group))));
    return gauge.build();
  }

  private static GaugeSnapshot gauge(String name, String help, double value) {
    return GaugeSnapshot.builder().name(name).help(help).dataPoint(point(Labels.EMPTY, value)).build();
  }

  private static GaugeSnapshot.GaugeDataPointSnapshot point(Labels labels, double value) {
    return GaugeSnapshot.GaugeDataPointSnapshot.builder().labels(labels).value(value).build();
  }
}
