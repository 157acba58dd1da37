package io.expertmesh.gateway.metrics;

import io.expertmesh.engine.api.EngineLoad;
import io.expertmesh.engine.text.ServedModel;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.List;

/**
 * What the engine reports about itself, read once per scrape so that the values belong together. Experts are counted
 * by layer and by group of experts, at most {@value #GROUPS} groups, so that the number of series does not grow with
 * the number of experts.
 *
 * <p>The {@code vllm:} names are those that dashboards and gateways for inference servers look for.
 */
public final class EngineCollector implements MultiCollector {
  static final int GROUPS = 8;

  private final ServedModel model;
  private final Labels modelName;

  public EngineCollector(ServedModel model) {
    this.model = model;
    this.modelName = Labels.of("model_name", model.name());
  }

  @Override
  public MetricSnapshots collect() {
    EngineLoad load = model.engine().load();
    double pagesUsed = load.kvPagesTotal() == 0 ? 0 : (double) load.kvPagesUsed() / load.kvPagesTotal();
    double pagesCached = load.kvPagesTotal() == 0 ? 0 : (double) load.kvPagesCached() / load.kvPagesTotal();
    List<MetricSnapshot> all = new ArrayList<>();
    all.add(gauge("expertmesh_requests_running", "Requests that hold KV pages", load.running()));
    all.add(gauge("expertmesh_requests_waiting", "Requests in the queue", load.waiting()));
    all.add(gauge("expertmesh_queue_capacity", "Requests that the queue can hold", load.queueCapacity()));
    all.add(gauge("expertmesh_batch_rows", "Token rows of the last step", load.lastBatchRows()));
    all.add(gauge("expertmesh_kv_pages_used_ratio", "Share of KV pages held by running requests", pagesUsed));
    all.add(gauge("expertmesh_kv_pages_cached_ratio", "Share of KV pages that hold reusable prefixes", pagesCached));
    all.add(counter("expertmesh_prompt_tokens", "Prompt tokens, reused ones included", load.promptTokens()));
    all.add(counter("expertmesh_reused_prompt_tokens", "Prompt tokens found in the prefix cache",
        load.reusedPromptTokens()));
    all.add(counter("expertmesh_generated_tokens", "Generated tokens", load.generatedTokens()));
    all.add(counter("expertmesh_steps", "Steps of the decoder", load.steps()));
    all.add(expertTokens());
    all.add(aliasGauge("vllm:num_requests_running", load.running()));
    all.add(aliasGauge("vllm:num_requests_waiting", load.waiting()));
    all.add(aliasGauge("vllm:kv_cache_usage_perc", pagesUsed));
    all.add(aliasCounter("vllm:prompt_tokens", load.promptTokens()));
    all.add(aliasCounter("vllm:generation_tokens", load.generatedTokens()));
    all.add(aliasCounter("vllm:prefix_cache_queries", load.promptTokens()));
    all.add(aliasCounter("vllm:prefix_cache_hits", load.reusedPromptTokens()));
    return new MetricSnapshots(all);
  }

  private CounterSnapshot expertTokens() {
    CounterSnapshot.Builder counter = CounterSnapshot.builder()
        .name("expertmesh_expert_tokens")
        .help("Token rows routed to the experts of a group, by MoE layer");
    long[][] tokens = model.engine().tokensPerExpert();
    for (int layer = 0; layer < tokens.length; layer++) {
      long[] byExpert = tokens[layer];
      int groupSize = Math.max(1, Math.ceilDiv(byExpert.length, GROUPS));
      for (int first = 0; first < byExpert.length; first += groupSize) {
        int last = Math.min(first + groupSize, byExpert.length) - 1;
        long sum = 0;
        for (int expert = first; expert <= last; expert++) {
          sum += byExpert[expert];
        }
        String group = first == last ? Integer.toString(first) : first + "-" + last;
        counter.dataPoint(CounterSnapshot.CounterDataPointSnapshot.builder()
            .labels(Labels.of("layer", Integer.toString(model.moeLayers().get(layer)), "experts", group))
            .value((double) sum)
            .build());
      }
    }
    return counter.build();
  }

  private static GaugeSnapshot gauge(String name, String help, double value) {
    return gauge(name, help, Labels.EMPTY, value);
  }

  private GaugeSnapshot aliasGauge(String name, double value) {
    return gauge(name, "As vLLM reports it", modelName, value);
  }

  private static GaugeSnapshot gauge(String name, String help, Labels labels, double value) {
    return GaugeSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder().labels(labels).value(value).build())
        .build();
  }

  private static CounterSnapshot counter(String name, String help, long value) {
    return counter(name, help, Labels.EMPTY, value);
  }

  private CounterSnapshot aliasCounter(String name, long value) {
    return counter(name, "As vLLM reports it", modelName, value);
  }

  private static CounterSnapshot counter(String name, String help, Labels labels, long value) {
    return CounterSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(CounterSnapshot.CounterDataPointSnapshot.builder().labels(labels).value((double) value).build())
        .build();
  }
}
