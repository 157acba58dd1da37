package io.expertmesh.web;

import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.tracer.common.SpanContext;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** What every service measures of itself. */
public final class ServiceMetrics {
  private ServiceMetrics() {}

  /** A registry with the JVM's memory and threads, processor time and uptime, and with {@code collectors}. */
  public static PrometheusMeterRegistry registry(List<? extends MultiCollector> collectors) {
    return registry(collectors, null);
  }

  /**
   * As {@link #registry(List)}.
   *
   * @param spans knows the trace that an observation is made in, which is then an exemplar of its bucket; null for none
   */
  public static PrometheusMeterRegistry registry(List<? extends MultiCollector> collectors,
      @Nullable SpanContext spans) {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(new Configuration(), new PrometheusRegistry(),
        Clock.SYSTEM, spans);
    collectors.forEach(registry.getPrometheusRegistry()::register);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    return registry;
  }

  /** Exemplars where OpenMetrics 1.0 has them: Prometheus takes nothing of a page with one at a histogram's count. */
  private static final class Configuration implements PrometheusConfig {
    @Override
    public @Nullable String get(String key) {
      return null;
    }

    @Override
    public Properties prometheusProperties() {
      Properties properties = new Properties();
      properties.setProperty("io.prometheus.exporter.exemplarsOnAllMetricTypes", "false");
      return properties;
    }
  }
}
