package io.expertmesh.gateway.remote;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.SummarySnapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** What a gateway reports about its remote experts, by replica name, read once per scrape. */
public final class RemoteExpertsCollector implements MultiCollector {
  private final RemoteExperts experts;
  private final RemoteCounters counters;
  private final Replicas replicas;

  RemoteExpertsCollector(RemoteExperts experts, Replicas replicas) {
    this.experts = experts;
    this.counters = experts.counters();
    this.replicas = replicas;
  }

  @Override
  public MetricSnapshots collect() {
    ExpertTraffic traffic = experts.traffic();
    List<MetricSnapshot> all = new ArrayList<>();
    all.add(counter("expertmesh_expert_calls", "Layers whose experts were called", traffic.calls()));
    all.add(counter("expertmesh_expert_call_tokens", "Token rows of these calls", traffic.tokens()));
    all.add(counter("expertmesh_experts_lost", "Experts of calls that no replica could compute",
        traffic.lostExperts()));
    all.add(byReplica("expertmesh_expert_messages_sent", "Batches sent", c -> c.messagesOut));
    all.add(byReplica("expertmesh_expert_messages_received", "Messages received", c -> c.messagesIn));
    all.add(byReplica("expertmesh_expert_rows_sent", "Rows (token and expert pairs) sent", c -> c.rows));
    all.add(byReplica("expertmesh_expert_sent_bytes", "Bytes of batches", c -> c.bytesOut));
    all.add(byReplica("expertmesh_expert_received_bytes", "Bytes of messages received", c -> c.bytesIn));
    all.add(byReplica("expertmesh_expert_retries", "Batches sent here because another replica failed", c -> c.retries));
    all.add(byReplica("expertmesh_expert_hedges", "Batches sent here because another replica was late",
        c -> c.hedges));
    all.add(byReplica("expertmesh_expert_hedge_wins", "Hedges that were first", c -> c.hedgeWins));
    all.add(failures());
    all.add(answers());
    all.add(links("expertmesh_expert_outstanding_rows", "Rows that wait for an answer",
        ReplicaLink::outstandingRows));
    all.add(
        links("expertmesh_expert_connected", "1 if the replica takes batches", link -> link.live() == null ? 0 : 1));
    all.add(links("expertmesh_expert_suspect", "1 if an answer is overdue", link -> link.suspect() ? 1 : 0));
    all.add(links("expertmesh_expert_breaker_state", "0 closed, 1 open, 2 half open",
        link -> link.breaker.getState().getOrder()));
    all.add(gauge("expertmesh_routing_table_epoch", "When the router that made the table began to lead, in ms",
        (double) replicas.version().getEpoch()));
    all.add(gauge("expertmesh_routing_table_number", "Number of the routing table within its epoch",
        (double) replicas.version().getNumber()));
    all.add(gauge("expertmesh_experts_unavailable", "Experts without a replica", experts.unavailable().size()));
    return new MetricSnapshots(all);
  }

  private MetricSnapshot failures() {
    CounterSnapshot.Builder counter = CounterSnapshot.builder()
        .name("expertmesh_expert_failures").help("What went wrong with a replica, by kind");
    counters.byName().forEach((name, replica) -> {
      for (FailureKind kind : FailureKind.values()) {
        long count = replica.failures(kind);
        if (count > 0) {
          counter.dataPoint(point(Labels.of("replica", name, "kind", kind.label()), count));
        }
      }
    });
    return counter.build();
  }

  private MetricSnapshot answers() {
    SummarySnapshot.Builder summary = SummarySnapshot.builder()
        .name("expertmesh_expert_answer_seconds").help("From sending a batch to its valid answer");
    counters.byName().forEach((name, replica) -> summary.dataPoint(SummarySnapshot.SummaryDataPointSnapshot.builder()
        .labels(Labels.of("replica", name))
        .count(replica.answers.sum())
        .sum((double) replica.answerNanos.sum() / TimeUnit.SECONDS.toNanos(1))
        .build()));
    return summary.build();
  }

  private MetricSnapshot byReplica(String name, String help, Function<ReplicaCounters, LongAdder> value) {
    CounterSnapshot.Builder counter = CounterSnapshot.builder().name(name).help(help);
    counters.byName().forEach((replica, counts) -> counter
        .dataPoint(point(Labels.of("replica", replica), value.apply(counts).sum())));
    return counter.build();
  }

  /** The newest process of each name. */
  private MetricSnapshot links(String name, String help, ToDoubleFunction<ReplicaLink> value) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
    Map<String, ReplicaLink> byName = new TreeMap<>();
    replicas.links().forEach(link -> byName.put(link.name, link));
    byName.forEach((replica, link) -> gauge.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
        .labels(Labels.of("replica", replica))
        .value(value.applyAsDouble(link))
        .build()));
    return gauge.build();
  }

  private static CounterSnapshot.CounterDataPointSnapshot point(Labels labels, long value) {
    return CounterSnapshot.CounterDataPointSnapshot.builder().labels(labels).value((double) value).build();
  }

  private static MetricSnapshot counter(String name, String help, long value) {
    return CounterSnapshot.builder().name(name).help(help).dataPoint(point(Labels.EMPTY, value)).build();
  }

  private static MetricSnapshot gauge(String name, String help, double value) {
    return GaugeSnapshot.builder().name(name).help(help)
        .dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder().value(value).build()).build();
  }
}
