package io.expertmesh.telemetry;

import io.expertmesh.model.failure.FailureException;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts OpenTelemetry's SDK. Apart from {@link Telemetry} so that a process without traces loads nothing of it. */
final class SdkTelemetry {
  private static final Logger log = LoggerFactory.getLogger(SdkTelemetry.class);
  private static final int LAST_SECONDS = 2;

  private SdkTelemetry() {}

  static Telemetry start(String service, String instance, String endpoint, Map<String, String> settings) {
    Map<String, String> defaults = new HashMap<>();
    defaults.put("otel.service.name", service);
    defaults.put("otel.exporter.otlp.protocol", "http/protobuf");
    // Metrics are Prometheus' business, and logs go to standard error.
    defaults.put("otel.metrics.exporter", "none");
    defaults.put("otel.logs.exporter", "none");
    defaults.put("otel.propagators", "tracecontext");
    defaults.putAll(settings);
    OpenTelemetrySdk sdk;
    try {
      sdk = AutoConfiguredOpenTelemetrySdk.builder()
          .addPropertiesSupplier(() -> defaults)
          .addResourceCustomizer((resource, _) -> resource.toBuilder().put("service.namespace", "expertmesh")
              .put("service.instance.id", instance).build().merge(resource))
          .disableShutdownHook()
          .build()
          .getOpenTelemetrySdk();
    } catch (ConfigurationException | IllegalStateException wrong) {
      throw FailureException.invalidParameter("OTEL_*",
          "OpenTelemetry cannot be started by its environment variables (OTEL_...): " + wrong.getMessage());
    }
    log.info("Traces are sent to {}", endpoint);
    return new Telemetry(sdk, true,
        () -> sdk.getSdkTracerProvider().shutdown().join(LAST_SECONDS, TimeUnit.SECONDS));
  }
}
