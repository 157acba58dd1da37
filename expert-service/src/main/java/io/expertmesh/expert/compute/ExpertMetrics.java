package io.expertmesh.expert.compute;

import io.expertmesh.proto.v1.RejectionReason;
import io.expertmesh.transport.RefusedCallers;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** What is counted and timed; as many series for any number of experts and gateways. */
public final class ExpertMetrics {
  private static final Duration[] BUCKETS = {Duration.ofNanos(100_000), Duration.ofMillis(1), Duration.ofMillis(5),
      Duration.ofMillis(20), Duration.ofMillis(100), Duration.ofMillis(500), Duration.ofSeconds(2),
      Duration.ofSeconds(10)};

  /** How streams of gateways end before the gateway ends them. */
  public enum Drop {
    /** The gateway serves another model. */
    FINGERPRINT,
    /** Messages out of order. */
    PROTOCOL,
    /** The gateway does not read its results. */
    UNREAD
  }

  private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Counter batches;
  private final Counter rows;
  private final Timer queue;
  private final Timer compute;
  private final Map<RejectionReason, Counter> rejections = new EnumMap<>(RejectionReason.class);
  private final Map<Drop, Counter> drops = new EnumMap<>(Drop.class);

  ExpertMetrics() {
    batches = Counter.builder("expertmesh.expert.batches").description("Batches computed").register(registry);
    rows = Counter.builder("expertmesh.expert.rows").description("Rows (token and expert pairs) computed")
        .register(registry);
    queue = Timer.builder("expertmesh.expert.queue").description("From a batch's arrival to its computation")
        .serviceLevelObjectives(BUCKETS).register(registry);
    compute = Timer.builder("expertmesh.expert.compute")
        .description("Computations, each of all batches that waited for a layer")
        .serviceLevelObjectives(BUCKETS).register(registry);
    String prefix = "REJECTION_REASON_";
    for (RejectionReason reason : RejectionReason.values()) {
      if (reason != RejectionReason.UNRECOGNIZED && reason != RejectionReason.REJECTION_REASON_UNSPECIFIED) {
        rejections.put(reason, Counter.builder("expertmesh.expert.rejections").description("Batches not computed")
            .tag("reason", reason.name().substring(prefix.length()).toLowerCase(Locale.ROOT)).register(registry));
      }
    }
    for (Drop drop : Drop.values()) {
      drops.put(drop, Counter.builder("expertmesh.expert.streams.dropped").description("Streams ended by the process")
          .tag("reason", drop.name().toLowerCase(Locale.ROOT)).register(registry));
    }
  }

  /** A value that is read when the metrics are. */
  public void gauge(String name, String description, Supplier<Number> value) {
    Gauge.builder("expertmesh.expert." + name, value).description(description).register(registry);
  }

  /** Bytes that the weights of the experts take that the process holds, with the type that they are held in. */
  void weights(String dtype, Supplier<Number> bytes) {
    Gauge.builder("expertmesh.expert.weight.bytes", bytes)
        .description("Bytes of the weights of all experts that the process holds, by the type that it holds them in")
        .tag("dtype", dtype).register(registry);
  }

  /** Whom the process's gRPC server turns away. */
  public void refusedCallers(RefusedCallers refused) {
    for (RefusedCallers.Reason reason : RefusedCallers.Reason.values()) {
      FunctionCounter.builder("expertmesh.expert.refused.callers", refused, callers -> callers.count(reason))
          .description("Connections and calls that TLS and roles did not allow").tag("reason", reason.label())
          .register(registry);
    }
  }

  void computed(int batchRows, long queuedNanos) {
    batches.increment();
    rows.increment(batchRows);
    queue.record(queuedNanos, TimeUnit.NANOSECONDS);
  }

  void ran(long nanos) {
    compute.record(nanos, TimeUnit.NANOSECONDS);
  }

  public void rejected(RejectionReason reason) {
    Counter counter = rejections.get(reason);
    if (counter != null) {
      counter.increment();
    }
  }

  public void dropped(Drop why) {
    Counter counter = drops.get(why);
    if (counter != null) {
      counter.increment();
    }
  }

  /** In Prometheus' text format. */
  public String scrape() {
    return registry.scrape();
  }
}
