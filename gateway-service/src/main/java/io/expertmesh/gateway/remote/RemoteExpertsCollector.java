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
import java.util.function.ToLongFunction;

/**
 * What a gateway reports about its remote experts, by replica name. Where several versions of the model are served, every
 * series has the label version.
 */
public final class RemoteExpertsCollector implements MultiCollector {
  /** One version's experts, and what its series have in common. */
  private record Source(Labels labels, RemoteExperts experts) {
    CounterSnapshot.CounterDataPointSnapshot point(Labels more, long value) {
      return CounterSnapshot.CounterDataPointSnapshot.builder().labels(labels.merge(more)).value((double) value)
          .build();
    }

    GaugeSnapshot.GaugeDataPointSnapshot gauge(Labels more, double value) {
      return GaugeSnapshot.GaugeDataPointSnapshot.builder().labels(labels.merge(more)).value(value).build();
    }
  }

  private final List<Source> sources;

  /** @param models the versions, open */
  public RemoteExpertsCollector(List<RemoteModel> models) {
    this.sources = models.stream().map(model -> new Source(
        models.size() == 1 ? Labels.EMPTY : Labels.of("version", model.fingerprint().version()), model.experts()))
        .toList();
  }

  @Override
  public MetricSnapshots collect() {
    List<MetricSnapshot> all = new ArrayList<>();
    all.add(counter("expertmesh_expert_calls", "Layers whose experts were called", ExpertTraffic::calls));
    all.add(counter("expertmesh_expert_call_tokens", "Token rows of these calls", ExpertTraffic::tokens));
    all.add(counter("expertmesh_experts_lost", "Experts of calls that no replica could compute",
        ExpertTraffic::lostExperts));
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
    all.add(
        links("expertmesh_expert_suspect", "1 if an answer is overdue", link -> link.suspicion.isSuspect() ? 1 : 0));
    all.add(links("expertmesh_expert_breaker_state", "0 closed, 1 open, 2 half open",
        link -> link.breaker.getState().getOrder()));
    all.add(links("expertmesh_expert_replica", "1 for each replica, with the type that it holds experts in",
        link -> 1, link -> Labels.of("dtype", link.dtype())));
    all.add(gauge("expertmesh_routing_table_epoch", "When the router that made the table began to lead, in ms",
        experts -> (double) experts.tableVersion().getEpoch()));
    all.add(gauge("expertmesh_routing_table_number", "Number of the routing table within its epoch",
        experts -> (double) experts.tableVersion().getNumber()));
    all.add(gauge("expertmesh_experts_unavailable", "Experts without a replica",
        experts -> experts.unavailable().size()));
    all.add(gauge("expertmesh_experts_sleeping", "Those of them that are started when a request needs them",
        experts -> experts.sleeping().ids().size()));
    return new MetricSnapshots(all);
  }

  private MetricSnapshot failures() {
    CounterSnapshot.Builder counter = CounterSnapshot.builder()
        .name("expertmesh_expert_failures").help("What went wrong with a replica, by kind");
    for (Source source : sources) {
      source.experts.counters().byName().forEach((name, replica) -> {
        for (FailureKind kind : FailureKind.values()) {
          long count = replica.failures(kind);
          if (count > 0) {
            counter.dataPoint(source.point(Labels.of("replica", name, "kind", kind.label()), count));
          }
        }
      });
    }
    return counter.build();
  }

  private MetricSnapshot answers() {
    SummarySnapshot.Builder summary = SummarySnapshot.builder()
        .name("expertmesh_expert_answer_seconds").help("From sending a batch to its valid answer");
    for (Source source : sources) {
      source.experts.counters().byName().forEach((name, replica) -> summary.dataPoint(
          SummarySnapshot.SummaryDataPointSnapshot.builder()
              .labels(source.labels.merge(Labels.of("replica", name)))
              .count(replica.answers.sum())
              .sum((double) replica.answerNanos.sum() / TimeUnit.SECONDS.toNanos(1))
              .build()));
    }
    return summary.build();
  }

  private MetricSnapshot byReplica(String name, String help, Function<ReplicaCounters, LongAdder> value) {
    CounterSnapshot.Builder counter = CounterSnapshot.builder().name(name).help(help);
    for (Source source : sources) {
      source.experts.counters().byName().forEach((replica, counts) -> counter
          .dataPoint(source.point(Labels.of("replica", replica), value.apply(counts).sum())));
    }
    return counter.build();
  }

  /** The newest process of each name. */
  private MetricSnapshot links(String name, String help, ToDoubleFunction<ReplicaLink> value) {
    return links(name, help, value, link -> Labels.EMPTY);
  }

  private MetricSnapshot links(String name, String help, ToDoubleFunction<ReplicaLink> value,
      Function<ReplicaLink, Labels> more) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
    for (Source source : sources) {
      Map<String, ReplicaLink> byName = new TreeMap<>();
      source.experts.links().forEach(link -> byName.put(link.name, link));
      byName.forEach(
          (replica, link) -> gauge.dataPoint(source.gauge(Labels.of("replica", replica).merge(more.apply(link)),
              value.applyAsDouble(link))));
    }
    return gauge.build();
  }

  private MetricSnapshot counter(String name, String help, ToLongFunction<ExpertTraffic> value) {
    CounterSnapshot.Builder counter = CounterSnapshot.builder().name(name).help(help);
    for (Source source : sources) {
      counter.dataPoint(source.point(Labels.EMPTY, value.applyAsLong(source.experts.traffic())));
    }
    return counter.build();
  }

  private MetricSnapshot gauge(String name, String help, ToDoubleFunction<RemoteExperts> value) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
    for (Source source : sources) {
      gauge.dataPoint(source.gauge(Labels.EMPTY, value.applyAsDouble(source.experts)));
    }
    return gauge.build();
  }
}
