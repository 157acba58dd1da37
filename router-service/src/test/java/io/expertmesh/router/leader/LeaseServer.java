package io.expertmesh.router.leader;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The Leases of an API server: what a client may replace is only what it has read. */
final class LeaseServer implements AutoCloseable {
  private static final String LEASES = "/apis/coordination.k8s.io/v1/namespaces/mesh/leases";

  private final HttpServer server;
  private final Map<String, ObjectNode> leases = new HashMap<>();
  private final Set<String> cutOff = ConcurrentHashMap.newKeySet();
  private int version;

  LeaseServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  /** For the router whose account is called {@code who}. */
  KubernetesApi api(Path folder, String who) throws IOException {
    Path account = Files.createDirectories(folder.resolve(who));
    Files.writeString(account.resolve("token"), who + "\n");
    Files.writeString(account.resolve("namespace"), "mesh");
    return KubernetesApi.of(URI.create("http://127.0.0.1:" + server.getAddress().getPort()), account);
  }

  /** Answers {@code who} nothing but errors, or again. */
  void cutOff(String who, boolean cut) {
    if (cut) {
      cutOff.add(who);
    } else {
      cutOff.remove(who);
    }
  }

  synchronized @Nullable ObjectNode lease(String name) {
    ObjectNode lease = leases.get(name);
    return lease == null ? null : lease.deepCopy();
  }

  synchronized void put(String name, ObjectNode lease) {
    lease.withObject("metadata").put("name", name).put("resourceVersion", Integer.toString(++version));
    leases.put(name, lease);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      String who = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")).replace("Bearer ", "");
      String path = exchange.getRequestURI().getPath();
      if (cutOff.contains(who)) {
        send(exchange, 403, "{\"message\":\"leases.coordination.k8s.io is forbidden: User cannot\"}");
      } else if (!path.startsWith(LEASES)) {
        send(exchange, 404, "404 page not found");
      } else {
        handle(exchange, path.substring(LEASES.length()), body);
      }
    }
  }

  private synchronized void handle(HttpExchange exchange, String rest, String body) throws IOException {
    String method = exchange.getRequestMethod();
    ObjectNode sent = body.isEmpty() ? null : (ObjectNode) JsonMapper.shared().readTree(body);
    String name = sent == null ? rest.substring(1) : sent.path("metadata").path("name").asString();
    ObjectNode known = leases.get(name);
    if (method.equals("POST") ? !rest.isEmpty() : !rest.equals("/" + name)) {
      send(exchange, 400, "{\"message\":\"the path names another lease\"}");
    } else if (method.equals("POST") && known != null) {
      send(exchange, 409, "{\"message\":\"it exists\"}");
    } else if (!method.equals("POST") && known == null) {
      send(exchange, 404, "{\"message\":\"not found\"}");
    } else if (sent != null && known != null && !sent.path("metadata").path("resourceVersion").asString("")
        .equals(known.path("metadata").path("resourceVersion").asString())) {
      send(exchange, 409, "{\"message\":\"the object has been modified\"}");
    } else {
      if (sent != null) {
        put(name, sent);
      }
      send(exchange, method.equals("POST") ? 201 : 200, String.valueOf(leases.get(name)));
    }
  }

  private static void send(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
