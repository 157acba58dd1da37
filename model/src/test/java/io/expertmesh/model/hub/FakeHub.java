package io.expertmesh.model.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A hub with one model, that speaks the file API and misbehaves as told. Large files are redirected to a storage host. */
final class FakeHub implements AutoCloseable {
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  /** What to do with a file's next request. */
  enum Fault {
    /** Half of what was asked for, then the connection ends. */
    CUT,
    /** The first bytes, then nothing. */
    STALL,
    /** Other bytes of the same length. */
    DAMAGE,
    /** All bytes with status 200, whatever range was asked for. */
    IGNORE_RANGE,
    /** Status 503. */
    BUSY
  }

  private final String model;
  private final Map<String, byte[]> files = new LinkedHashMap<>();
  private final Map<String, Deque<Fault>> faults = new LinkedHashMap<>();
  private final Map<String, Long> arrived = new HashMap<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch stalled = new CountDownLatch(1);
  private final HttpServer hub;
  private final HttpServer storage;

  /** Requests in order: method path, range if there was one. */
  final List<String> requests = Collections.synchronizedList(new ArrayList<>());
  /** Tokens that the storage host was sent. */
  final List<String> leaked = Collections.synchronizedList(new ArrayList<>());
  volatile @Nullable String token;
  volatile int listingStatus = 200;
  /** Bytes that the listing gives each file more than it has. */
  volatile long claimedExtra;

  FakeHub(String model) throws IOException {
    this.model = model;
    InetAddress loopback = InetAddress.getLoopbackAddress();
    hub = HttpServer.create(new InetSocketAddress(loopback, 0), 0);
    storage = HttpServer.create(new InetSocketAddress(loopback, 0), 0);
    hub.createContext("/api/models/" + model + "/revision/main", this::listing);
    hub.createContext("/" + model + "/resolve/" + COMMIT + "/", this::resolve);
    storage.createContext("/", this::stored);
    hub.setExecutor(threads);
    storage.setExecutor(threads);
    hub.start();
    storage.start();
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
  }

  FakeHub file(String name, byte[] content) {
    files.put(name, content);
    return this;
  }

  FakeHub file(String name, String content) {
    return file(name, content.getBytes(StandardCharsets.UTF_8));
  }

  FakeHub fault(String name, Fault... next) {
    faults.computeIfAbsent(name, n -> new ArrayDeque<>()).addAll(List.of(next));
    return this;
  }

  /** The name of {@code file}'s blob. */
  String checksum(String name) {
    byte[] content = content(name);
    return large(name)
        ? hash("SHA-256", content)
        : hash("SHA-1", ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII), content);
  }

  /** To be told by the client's progress: a connection is cut when all that was sent before has arrived. */
  synchronized void arrived(String name, long bytes) {
    arrived.put(name, bytes);
    notifyAll();
  }

  @Override
  public void close() {
    stalled.countDown();
    hub.stop(0);
    storage.stop(0);
    threads.shutdownNow();
  }

  private byte[] content(String name) {
    byte[] content = files.get(name);
    if (content == null) {
      throw new IllegalArgumentException(name);
    }
    return content;
  }

  private static boolean large(String name) {
    return name.endsWith(".safetensors") || name.endsWith(".bin");
  }

  private void listing(HttpExchange exchange) throws IOException {
    requests.add("GET " + exchange.getRequestURI());
    if (listingStatus != 200 || !authorized(exchange)) {
      exchange.sendResponseHeaders(listingStatus != 200 ? listingStatus : 401, -1);
      exchange.close();
      return;
    }
    ObjectNode answer = JsonMapper.shared().createObjectNode().put("id", model).put("sha", COMMIT);
    ArrayNode siblings = answer.putArray("siblings");
    for (String name : files.keySet()) {
      ObjectNode sibling = siblings.addObject().put("rfilename", name).put("size", content(name).length)
          .put("blobId", hash("SHA-1", content(name)));
      if (large(name)) {
        sibling.putObject("lfs").put("sha256", checksum(name)).put("size", content(name).length + claimedExtra);
      } else {
        sibling.put("blobId", checksum(name));
      }
    }
    byte[] body = JsonMapper.shared().writeValueAsBytes(answer);
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private boolean authorized(HttpExchange exchange) {
    return token == null || ("Bearer " + token).equals(exchange.getRequestHeaders().getFirst("Authorization"));
  }

  private void resolve(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String name = path.substring(path.lastIndexOf('/') + 1);
    if (!authorized(exchange)) {
      exchange.sendResponseHeaders(401, -1);
      exchange.close();
    } else if (large(name)) {
      exchange.getResponseHeaders().add("Location",
          "http://127.0.0.1:%d/store/%s".formatted(storage.getAddress().getPort(), name));
      exchange.sendResponseHeaders(302, -1);
      exchange.close();
    } else {
      serve(exchange, name);
    }
  }

  private void stored(HttpExchange exchange) throws IOException {
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    if (authorization != null) {
      leaked.add(authorization);
    }
    String path = exchange.getRequestURI().getPath();
    serve(exchange, path.substring(path.lastIndexOf('/') + 1));
  }

  private void serve(HttpExchange exchange, String name) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    requests.add("GET " + name + (range == null ? "" : " " + range));
    Fault fault = faults.getOrDefault(name, new ArrayDeque<>()).poll();
    byte[] content = content(name);
    if (fault == Fault.BUSY) {
      exchange.sendResponseHeaders(503, -1);
      exchange.close();
      return;
    }
    if (fault == Fault.DAMAGE) {
      content = content.clone();
      content[content.length / 2] ^= 1;
    }
    int from = 0;
    if (range != null && fault != Fault.IGNORE_RANGE) {
      from = Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
      exchange.getResponseHeaders().add("Content-Range",
          "bytes %d-%d/%d".formatted(from, content.length - 1, content.length));
    }
    int length = content.length - from;
    exchange.sendResponseHeaders(from > 0 ? 206 : 200, length);
    try {
      if (fault == Fault.CUT || fault == Fault.STALL) {
        exchange.getResponseBody().write(content, from, length / 2);
        exchange.getResponseBody().flush();
        awaitArrival(name, from + length / 2);
        if (fault == Fault.STALL) {
          stalled.await();
        }
        throw new IOException("cut");
      }
      exchange.getResponseBody().write(content, from, length);
      exchange.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void awaitArrival(String name, long bytes) throws InterruptedException {
    while (arrived.getOrDefault(name, 0L) < bytes) {
      wait();
    }
  }

  private static String hash(String algorithm, byte[]... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance(algorithm);
      for (byte[] part : parts) {
        digest.update(part);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new UncheckedIOException(new IOException(e));
    }
  }
}
