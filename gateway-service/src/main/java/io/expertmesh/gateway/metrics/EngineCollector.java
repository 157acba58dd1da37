package io.expertmesh.gateway.metrics;

import io.expertmesh.engine.api.EngineLoad;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.gateway.versions.ModelVersions;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What the engines report about themselves, read once per scrape so that the values belong together. Experts are
 * counted by layer and by group of experts, at most {@value #GROUPS} groups, so that the number of series does not grow
 * with the number of experts. Where several versions of the model are served, every series has the label version.
 *
 * <p>The {@code vllm:} names are those that dashboards and gateways for inference servers look for.
 */
public final class EngineCollector implements MultiCollector {
  static final int GROUPS = 8;

  private final ModelVersions versions;

  public EngineCollector(ModelVersions versions) {
    this.versions = versions;
  }

  /** One version's engine at the time of a scrape. */
  private record Reading(Labels labels, ServedModel model, EngineLoad load) {
    double ofPages(int pages) {
      return load.kvPagesTotal() == 0 ? 0 : (double) pages / load.kvPagesTotal();
    }
  }

  private List<Reading> read() {
    List<Reading> readings = new ArrayList<>();
    for (ModelVersions.Version version : versions.all()) {
      Labels labels = versions.all().size() == 1 ? Labels.EMPTY : Labels.of("version", version.name());
      readings.add(new Reading(labels, version.model(), version.model().engine().load()));
    }
    return readings;
  }

  @Override
  public MetricSnapshots collect() {
    List<Reading> now = read();
    List<MetricSnapshot> all = new ArrayList<>();
    all.add(gauge(now, "expertmesh_requests_running", "Requests that hold KV pages", r -> r.load().running()));
    all.add(
        gauge(now, "expertmesh_requests_running_limit", "Requests that can run at once", r -> r.load().runningLimit()));
    all.add(gauge(now, "expertmesh_requests_waiting", "Requests in the queue", r -> r.load().waiting()));
    all.add(gauge(now, "expertmesh_requests_blocked", "Running requests that wait for experts to come back",
        r -> r.load().blocked()));
    all.add(gauge(now, "expertmesh_queue_capacity", "Requests that the queue can hold", r -> r.load().queueCapacity()));
    all.add(gauge(now, "expertmesh_batch_rows", "Token rows of the last step", r -> r.load().lastBatchRows()));
    all.add(gauge(now, "expertmesh_kv_pages_used_ratio", "Share of KV pages held by running requests",
        r -> r.ofPages(r.load().kvPagesUsed())));
    all.add(gauge(now, "expertmesh_kv_pages_cached_ratio", "Share of KV pages that hold reusable prefixes",
        r -> r.ofPages(r.load().kvPagesCached())));
    all.add(counter(now, "expertmesh_prompt_tokens", "Prompt tokens, reused ones included",
        r -> r.load().promptTokens()));
    all.add(counter(now, "expertmesh_reused_prompt_tokens", "Prompt tokens found in the prefix cache",
        r -> r.load().reusedPromptTokens()));
    all.add(counter(now, "expertmesh_generated_tokens", "Generated tokens", r -> r.load().generatedTokens()));
    all.add(counter(now, "expertmesh_steps", "Steps of the decoder", r -> r.load().steps()));
    all.add(counter(now, "expertmesh_blocked_requests", "Times that a request began to wait for experts",
        r -> r.load().blockedRequests()));
    all.add(counter(now, "expertmesh_degraded_requests", "Requests that finished with experts replaced or left out",
        r -> r.load().degradedRequests()));
    all.add(expertTokens(now));
    addAliases(all, named(now));
    return new MetricSnapshots(all);
  }

  private static void addAliases(List<MetricSnapshot> all, List<Reading> now) {
    String help = "As vLLM reports it";
    all.add(gauge(now, "vllm:num_requests_running", help, r -> r.load().running()));
    all.add(gauge(now, "vllm:num_requests_waiting", help, r -> r.load().waiting()));
    all.add(gauge(now, "vllm:kv_cache_usage_perc", help, r -> r.ofPages(r.load().kvPagesUsed())));
    all.add(counter(now, "vllm:prompt_tokens", help, r -> r.load().promptTokens()));
    all.add(counter(now, "vllm:generation_tokens", help, r -> r.load().generatedTokens()));
    all.add(counter(now, "vllm:prefix_cache_queries", help, r -> r.load().promptTokens()));
    all.add(counter(now, "vllm:prefix_cache_hits", help, r -> r.load().reusedPromptTokens()));
  }

  /** The readings with the model's name, as clients know it, among the labels. */
  private List<Reading> named(List<Reading> now) {
    String name = versions.main().model().name();
    return now.stream().map(r -> new Reading(r.labels().add("model_name", name), r.model(), r.load())).toList();
  }

  private static CounterSnapshot expertTokens(List<Reading> now) {
    CounterSnapshot.Builder counter = CounterSnapshot.builder()
        .name("expertmesh_expert_tokens")
        .help("Token rows routed to the experts of a group, by MoE layer");
    for (Reading reading : now) {
      long[][] tokens = reading.model().engine().tokensPerExpert();
      for (int layer = 0; layer < tokens.length; layer++) {
        String number = Integer.toString(reading.model().moeLayers().get(layer));
        addGroups(counter, reading.labels().add("layer", number), tokens[layer]);
      }
    }
    return counter.build();
  }

  private static void addGroups(CounterSnapshot.Builder counter, Labels labels, long[] byExpert) {
    int groupSize = Math.max(1, Math.ceilDiv(byExpert.length, GROUPS));
    for (int first = 0; first < byExpert.length; first += groupSize) {
      int last = Math.min(first + groupSize, byExpert.length) - 1;
      long sum = 0;
      for (int expert = first; expert <= last; expert++) {
        sum += byExpert[expert];
      }
      String group = first == last ? Integer.toString(first) : first + "-" + last;
      counter.dataPoint(CounterDataPointSnapshot.builder()
          .labels(labels.add("experts", group))
          .value((double) sum)
          .build());
    }
  }

  private static GaugeSnapshot gauge(List<Reading> now, String name, String help, ToDoubleFunction<Reading> value) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
    for (Reading reading : now) {
      gauge.dataPoint(
          GaugeDataPointSnapshot.builder().labels(reading.labels()).value(value.applyAsDouble(reading)).build());
    }
    return gauge.build();
  }

  private static CounterSnapshot counter(List<Reading> now, String name, String help,
      ToDoubleFunction<Reading> value) {
    CounterSnapshot.Builder counter = CounterSnapshot.builder().name(name).help(help);
    for (Reading reading : now) {
      counter.dataPoint(
          CounterDataPointSnapshot.builder().labels(reading.labels()).value(value.applyAsDouble(reading)).build());
    }
    return counter.build();
  }
}
