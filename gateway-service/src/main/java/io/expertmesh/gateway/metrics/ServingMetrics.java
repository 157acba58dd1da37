package io.expertmesh.gateway.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;

/** Times of requests and answers. Histograms have fixed buckets so that replicas can be added up. */
public final class ServingMetrics {
  private static final Duration[] TOKEN_TIMES = millis(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2500);
  private static final Duration[] REQUEST_TIMES = millis(5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
      60_000, 300_000);

  private final MeterRegistry registry;
  private final Timer timeToFirstToken;
  private final Timer timePerOutputToken;

  public ServingMetrics(MeterRegistry registry) {
    this.registry = registry;
    this.timeToFirstToken = Timer.builder("expertmesh.time.to.first.token")
        .description("From the arrival of a request to the first token of each answer")
        .serviceLevelObjectives(REQUEST_TIMES)
        .register(registry);
    this.timePerOutputToken = Timer.builder("expertmesh.time.per.output.token")
        .description("Mean time between the tokens of an answer after the first, one observation per answer")
        .serviceLevelObjectives(TOKEN_TIMES)
        .register(registry);
  }

  private static Duration[] millis(int... values) {
    Duration[] durations = new Duration[values.length];
    for (int i = 0; i < values.length; i++) {
      durations[i] = Duration.ofMillis(values[i]);
    }
    return durations;
  }

  /** Counts an answer that begins and starts its clock. */
  public AnswerTimes startAnswer(String version) {
    registry.counter("expertmesh.answers", "version", version).increment();
    return new AnswerTimes(timeToFirstToken, timePerOutputToken);
  }

  /**
   * Counts a request that is over.
   *
   * @param endpoint the HTTP route or the gRPC method
   * @param status the HTTP status or the gRPC code's name
   */
  public void request(String endpoint, String status, long nanos) {
    registry.counter("expertmesh.requests", "endpoint", endpoint, "status", status).increment();
    Timer.builder("expertmesh.request.duration")
        .description("From the arrival of a request to the end of its response")
        .tag("endpoint", endpoint)
        .serviceLevelObjectives(REQUEST_TIMES)
        .register(registry)
        .record(Duration.ofNanos(nanos));
  }
}
