package io.expertmesh.expert.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.expertmesh.expert.compute.ExpertProcess;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.proto.v1.ProcessState;
import io.expertmesh.transport.Addresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code /health}, {@code /ready} and {@code /metrics} over HTTP. */
public final class StatusEndpoint implements AutoCloseable {
  private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";
  private static final String JSON = "application/json";

  private final HttpServer server;
  private final ExecutorService executor;
  private final String host;

  private StatusEndpoint(HttpServer server, ExecutorService executor, String host) {
    this.server = server;
    this.executor = executor;
    this.host = host;
  }

  /**
   * Listens.
   *
   * @param port 0 takes any free one
   * @param router the router that the process is registered with; null for none
   * @param inService whether gateways know of it
   * @param refusal why no gateway uses it; empty if one does or nobody knows
   * @throws FailureException INVALID_REQUEST if the address cannot be listened on
   */
  public static StatusEndpoint start(String host, int port, ExpertProcess process, Supplier<@Nullable String> router,
      BooleanSupplier inService, Supplier<String> refusal) {
    HttpServer server;
    try {
      server = HttpServer.create(new InetSocketAddress(host, port), 0);
    } catch (IOException e) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "cannot listen on %s port %d for HTTP: %s".formatted(host, port, e.getMessage()), e);
    }
    ExecutorService executor = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("http-", 0).factory());
    server.setExecutor(executor);
    server.createContext("/",
        exchange -> answer(exchange, process, inService, () -> health(process, router.get(), refusal.get())));
    server.start();
    return new StatusEndpoint(server, executor, host);
  }

  private static void answer(HttpExchange exchange, ExpertProcess process, BooleanSupplier inService,
      Supplier<String> health) throws IOException {
    try (exchange) {
      if (!exchange.getRequestMethod().equals("GET")) {
        send(exchange, 405, JSON, "{\"error\":\"only GET is possible\"}");
        return;
      }
      switch (exchange.getRequestURI().getPath()) {
        case "/health" -> send(exchange, process.isReady() ? 200 : 503, JSON, health.get());
        case "/ready" -> send(exchange, inService.getAsBoolean() ? 200 : 503, JSON, health.get());
        case "/metrics" -> send(exchange, 200, TEXT, process.metrics().scrape());
        default -> send(exchange, 404, JSON, "{\"error\":\"there are /health, /ready and /metrics\"}");
      }
    }
  }

  private static String health(ExpertProcess process, @Nullable String router, String refusal) {
    ObjectNode health = JsonMapper.shared().createObjectNode()
        .put("status", word(process.state()))
        .put("process_id", process.id())
        .put("experts", process.holding().toString())
        .put("backend", process.backend())
        .put("dtype", process.dtype())
        .put("queued_rows", process.queue().queuedRows())
        .put("router", router);
    if (!process.failure().isEmpty()) {
      health.put("failure", process.failure());
    }
    if (!refusal.isEmpty()) {
      health.put("refused", refusal);
    }
    return health.toString();
  }

  /** Such as {@code ready}. */
  private static String word(ProcessState state) {
    return state.name().substring("PROCESS_STATE_".length()).toLowerCase(Locale.ROOT);
  }

  private static void send(HttpExchange exchange, int status, String type, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  public int port() {
    return server.getAddress().getPort();
  }

  /** Such as {@code http://127.0.0.1:4124}. */
  public String url() {
    return "http://" + Addresses.onThisMachine(host, port());
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
  }
}
