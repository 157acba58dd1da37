package io.expertmesh.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureException;
import io.opentelemetry.api.trace.Span;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What switches traces on, and what is refused. */
class TelemetryTest {
  private static final String ENDPOINT = "otel.exporter.otlp.endpoint";
  /** Nobody listens there. */
  private static final String NOWHERE = "http://127.0.0.1:1";

  private static Telemetry start(String... settings) {
    Map<String, String> all = new HashMap<>();
    for (int i = 0; i < settings.length; i += 2) {
      all.put(settings[i], settings[i + 1]);
    }
    return Telemetry.start("service", "instance", all);
  }

  private static boolean samples(Telemetry telemetry) {
    Span span = telemetry.tracer().spanBuilder("test").startSpan();
    span.end();
    return span.getSpanContext().isSampled();
  }

  @Test
  void onlyAnEndpointSwitchesItOn() {
    try (Telemetry telemetry = start(ENDPOINT, NOWHERE)) {
      assertThat(telemetry.isOn()).isTrue();
      assertThat(samples(telemetry)).isTrue();
    }
    for (Telemetry off : new Telemetry[]{start(), start(ENDPOINT, " "),
        start("otel.traces.sampler", "always_on"),
        start(ENDPOINT, NOWHERE, "otel.traces.exporter", "none"),
        start(ENDPOINT, NOWHERE, "otel.sdk.disabled", "true")}) {
      assertThat(off.isOn()).isFalse();
      assertThat(samples(off)).isFalse();
    }
  }

  @Test
  void theSamplerIsTheOneThatIsNamed() {
    try (Telemetry telemetry = start(ENDPOINT, NOWHERE, "otel.traces.sampler", "parentbased_traceidratio",
        "otel.traces.sampler.arg", "0")) {
      assertThat(telemetry.isOn()).isTrue();
      assertThat(samples(telemetry)).isFalse();
    }
  }

  @Test
  void whatCannotBeIsRefusedWithTheReason() {
    assertThatThrownBy(() -> start(ENDPOINT, "collector:4318")).isInstanceOf(FailureException.class)
        .hasMessageContaining("OTEL_").hasMessageContaining("collector:4318");
    assertThatThrownBy(() -> start(ENDPOINT, NOWHERE, "otel.traces.sampler", "sometimes"))
        .isInstanceOf(FailureException.class).hasMessageContaining("sometimes");
    assertThatThrownBy(() -> start(ENDPOINT, NOWHERE, "otel.exporter.otlp.protocol", "grpc"))
        .isInstanceOf(FailureException.class).hasMessageContaining("OTEL_");
  }
}
