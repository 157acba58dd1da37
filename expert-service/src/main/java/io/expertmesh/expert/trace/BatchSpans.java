package io.expertmesh.expert.trace;

import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.telemetry.Telemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Makes a span for each batch that comes with the context of one: for the few that a gateway traces. */
public final class BatchSpans {
  private static final String TRACEPARENT = "traceparent";
  private static final AttributeKey<String> GATEWAY = AttributeKey.stringKey("expertmesh.gateway");
  private static final AttributeKey<String> GROUP = AttributeKey.stringKey("expertmesh.group");
  private static final AttributeKey<Long> LAYER = AttributeKey.longKey("expertmesh.layer");
  private static final AttributeKey<Long> ROWS = AttributeKey.longKey("expertmesh.rows");
  private static final AttributeKey<Long> TOKENS = AttributeKey.longKey("expertmesh.tokens");
  private static final AttributeKey<Long> EXPERTS = AttributeKey.longKey("expertmesh.experts");
  private static final AttributeKey<List<String>> REQUESTS = AttributeKey.stringArrayKey("expertmesh.request_ids");

  private final Telemetry telemetry;

  public BatchSpans(Telemetry telemetry) {
    this.telemetry = telemetry;
  }

  /**
   * The span of a batch that has just come.
   *
   * @param group what the process holds, such as {@code 0-3}
   * @return null if it is not traced
   */
  public @Nullable BatchSpan begin(ExpertBatch batch, String gateway, Supplier<String> group) {
    if (!telemetry.isOn() || batch.getTraceparent().isEmpty()) {
      return null;
    }
    Context caller = telemetry.propagator().extract(Context.root(), batch.getTraceparent(), Traceparent.INSTANCE);
    if (!Span.fromContext(caller).getSpanContext().isSampled()) {
      return null;
    }
    return new BatchSpan(telemetry.tracer().spanBuilder("batch").setParent(caller).setSpanKind(SpanKind.SERVER)
        .setAttribute(GATEWAY, gateway)
        .setAttribute(GROUP, group.get())
        .setAttribute(LAYER, (long) batch.getLayer())
        .setAttribute(ROWS, (long) batch.getTokensCount())
        .setAttribute(TOKENS, batch.getHidden().getShapeCount() == 0 ? 0L : batch.getHidden().getShape(0))
        .setAttribute(EXPERTS, (long) batch.getExpertIdsCount())
        .setAttribute(REQUESTS, batch.getRequestIdsList())
        .startSpan());
  }

  /** What is read is the value of the one field that there is. */
  private enum Traceparent implements TextMapGetter<String> {
    INSTANCE;

    @Override
    public Iterable<String> keys(String value) {
      return List.of(TRACEPARENT);
    }

    @Override
    public @Nullable String get(@Nullable String value, String name) {
      return name.equals(TRACEPARENT) ? value : null;
    }
  }
}
