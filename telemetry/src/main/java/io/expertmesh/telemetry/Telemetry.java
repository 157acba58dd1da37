package io.expertmesh.telemetry;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Where this process's spans go: to nobody, unless OpenTelemetry's environment variables name an endpoint. Without one
 * nothing of OpenTelemetry's SDK is loaded.
 */
public final class Telemetry implements AutoCloseable {
  /** Of the spans of all services. */
  private static final String SCOPE = "io.expertmesh";

  private static final Telemetry OFF = new Telemetry(OpenTelemetry.noop(), false, () -> {});
  private static final String DISABLED = "otel.sdk.disabled";
  private static final String EXPORTER = "otel.traces.exporter";
  /** Any of them switches traces on. */
  private static final List<String> ENDPOINTS = List.of("otel.exporter.otlp.endpoint",
      "otel.exporter.otlp.traces.endpoint");

  private final OpenTelemetry openTelemetry;
  private final boolean on;
  private final Runnable shutdown;

  Telemetry(OpenTelemetry openTelemetry, boolean on, Runnable shutdown) {
    this.openTelemetry = openTelemetry;
    this.on = on;
    this.shutdown = shutdown;
  }

  /** Makes no spans. */
  public static Telemetry off() {
    return OFF;
  }

  /**
   * As the environment says: {@code OTEL_EXPORTER_OTLP_ENDPOINT}, {@code OTEL_TRACES_SAMPLER} and the others of
   * OpenTelemetry's.
   *
   * @param service name of the service, unless {@code OTEL_SERVICE_NAME} says another
   * @param instance tells its processes apart
   * @throws io.expertmesh.model.failure.FailureException INVALID_REQUEST if a variable cannot be understood
   */
  public static Telemetry ofEnvironment(String service, String instance) {
    return start(service, instance, Map.of());
  }

  /**
   * As {@link #ofEnvironment}.
   *
   * @param settings OpenTelemetry's properties, such as {@code otel.exporter.otlp.endpoint}; the environment wins
   */
  public static Telemetry start(String service, String instance, Map<String, String> settings) {
    String endpoint = ENDPOINTS.stream().map(name -> setting(name, settings)).filter(value -> !value.isBlank())
        .findFirst().orElse("");
    boolean refused = setting(DISABLED, settings).equalsIgnoreCase("true")
        || setting(EXPORTER, settings).equalsIgnoreCase("none");
    return endpoint.isEmpty() || refused ? OFF : SdkTelemetry.start(service, instance, endpoint, settings);
  }

  private static String setting(String name, Map<String, String> settings) {
    String variable = System.getenv(name.replace('.', '_').toUpperCase(Locale.ROOT));
    String property = System.getProperty(name);
    return property != null ? property : variable != null ? variable : settings.getOrDefault(name, "");
  }

  /** Whether there are spans. */
  public boolean isOn() {
    return on;
  }

  /** Makes the spans. */
  public Tracer tracer() {
    return openTelemetry.getTracer(SCOPE);
  }

  /** Reads and writes the trace that a request belongs to: {@code traceparent}, as W3C's Trace Context has it. */
  public TextMapPropagator propagator() {
    return openTelemetry.getPropagators().getTextMapPropagator();
  }

  /** Sends what was not sent yet, within seconds, and ends. */
  @Override
  public void close() {
    shutdown.run();
  }
}
