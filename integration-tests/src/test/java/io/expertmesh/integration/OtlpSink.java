package io.expertmesh.integration;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;

/** An OpenTelemetry collector that keeps what it gets: OTLP over HTTP, as protobuf. */
final class OtlpSink implements AutoCloseable {
  private static final HexFormat HEX = HexFormat.of();

  private final HttpServer server;
  private final List<Received> spans = new CopyOnWriteArrayList<>();

  /** A span and the service that sent it. */
  record Received(String service, String instance, Span span) {
    String name() {
      return span.getName();
    }

    String trace() {
      return HEX.formatHex(span.getTraceId().toByteArray());
    }

    String id() {
      return HEX.formatHex(span.getSpanId().toByteArray());
    }

    /** Empty for the first of a trace. */
    String parent() {
      return HEX.formatHex(span.getParentSpanId().toByteArray());
    }

    Map<String, String> attributes() {
      return OtlpSink.attributes(span.getAttributesList());
    }

    List<String> events() {
      return span.getEventsList().stream().map(Span.Event::getName).toList();
    }
  }

  OtlpSink() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/traces", this::take);
    server.start();
  }

  private void take(HttpExchange exchange) throws IOException {
    try (exchange; InputStream body = body(exchange)) {
      for (ResourceSpans resource : ExportTraceServiceRequest.parseFrom(body).getResourceSpansList()) {
        Map<String, String> of = attributes(resource.getResource().getAttributesList());
        for (ScopeSpans scope : resource.getScopeSpansList()) {
          for (Span span : scope.getSpansList()) {
            spans.add(new Received(of.getOrDefault("service.name", ""), of.getOrDefault("service.instance.id", ""),
                span));
          }
        }
      }
      exchange.sendResponseHeaders(200, -1);
    }
  }

  private static InputStream body(HttpExchange exchange) throws IOException {
    boolean gzip = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
    return gzip ? new GZIPInputStream(exchange.getRequestBody()) : exchange.getRequestBody();
  }

  private static Map<String, String> attributes(List<KeyValue> attributes) {
    return attributes.stream().collect(Collectors.toMap(KeyValue::getKey, attribute -> {
      var value = attribute.getValue();
      return value.hasStringValue()
          ? value.getStringValue()
          : value.hasIntValue() ? String.valueOf(value.getIntValue()) : value.toString();
    }));
  }

  String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  List<Received> spans() {
    return spans;
  }

  /** Waits until the spans so far fulfil {@code condition}. */
  List<Received> await(Predicate<List<Received>> condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.test(spans)) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("waited for 20 s; there are " + spans.stream().map(Received::name).toList());
      }
      Thread.sleep(10);
    }
    return List.copyOf(spans);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
