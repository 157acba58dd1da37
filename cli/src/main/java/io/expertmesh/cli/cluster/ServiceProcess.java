package io.expertmesh.cli.cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One service as a process of its own, which is started again when it dies. */
public final class ServiceProcess implements AutoCloseable {
  private static final Duration RESTART_AFTER = Duration.ofSeconds(2);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(35);
  /** How a service begins the line in which it says why it ends. */
  private static final String FINAL = "expertmesh: ";

  /**
   * What the process says when it is ready.
   *
   * @param grpc host:port; empty if it has none
   * @param http URL; empty if it has none
   */
  public record Ready(long pid, String grpc, String http) {
    static Ready parse(JsonNode line) {
      return new Ready(line.path("pid").asLong(), line.path("grpc").asString(""), line.path("http").asString(""));
    }
  }

  /** What happened to the process. */
  public enum Change {
    STARTED, READY, ENDED
  }

  /** A change and when it happened, in {@link System#nanoTime}. */
  public record Moment(Change change, long nanos) {}

  private final String name;
  private final Function<@Nullable Ready, List<String>> command;
  private final boolean restart;
  private final Consumer<String> log;
  private final List<Moment> history = new CopyOnWriteArrayList<>();
  private final Thread supervisor;
  private final CompletableFuture<Ready> firstReady = new CompletableFuture<>();
  private volatile CompletableFuture<Ready> ready = firstReady;
  private volatile @Nullable Process process;
  private volatile boolean closed;
  /** Why the process that ran last ended, as far as it said. */
  private volatile String lastWords = "it said nothing";

  /**
   * Starts the process.
   *
   * @param name prefix of its lines in {@code log}
   * @param command the command line, given what the process said of itself when it was first ready, so that it comes
   *     back at the same addresses
   * @param restart whether it is started again when it dies
   */
  ServiceProcess(String name, Function<@Nullable Ready, List<String>> command, boolean restart, Consumer<String> log) {
    this.name = name;
    this.command = command;
    this.restart = restart;
    this.log = log;
    this.supervisor = Thread.ofVirtual().name("supervise-" + name).start(this::supervise);
  }

  public String name() {
    return name;
  }

  /** Completes when the process is ready for the first time; fails if it ends before. */
  public CompletableFuture<Ready> firstReady() {
    return firstReady;
  }

  /** Completes when the process that runs now, or the next one, is ready. */
  public CompletableFuture<Ready> ready() {
    return ready;
  }

  /** The process that runs now; null between its death and the next start. */
  public @Nullable ProcessHandle handle() {
    Process current = process;
    return current == null || !current.isAlive() ? null : current.toHandle();
  }

  /** All changes so far, oldest first. */
  public List<Moment> history() {
    return List.copyOf(history);
  }

  private void happened(Change change) {
    history.add(new Moment(change, System.nanoTime()));
  }

  private void supervise() {
    try {
      while (!closed) {
        int exitCode = runOnce();
        if (!firstReady.isDone()) {
          firstReady.completeExceptionally(new IllegalStateException(
              "%s did not start (exit code %d): %s".formatted(name, exitCode, lastWords)));
          return;
        }
        if (closed) {
          return;
        }
        log.accept("[%s] ended with exit code %d%s".formatted(name, exitCode,
            restart ? "; starts again in " + RESTART_AFTER.toSeconds() + " s" : ""));
        if (!restart) {
          return;
        }
        ready = new CompletableFuture<>();
        Thread.sleep(RESTART_AFTER);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } catch (IOException failed) {
      firstReady.completeExceptionally(new UncheckedIOException(failed));
      log.accept("[%s] cannot be started: %s".formatted(name, failed.getMessage()));
    }
  }

  private int runOnce() throws IOException, InterruptedException {
    Ready before = firstReady.isDone() ? firstReady.join() : null;
    ProcessBuilder builder = new ProcessBuilder(command.apply(before));
    builder.environment().put("EXPERTMESH_LOG_FORMAT", System.getProperty("expertmesh.log.format", "text"));
    Process started = builder.start();
    process = started;
    happened(Change.STARTED);
    if (closed) {
      started.destroy();
    }
    Thread errors = Thread.ofVirtual().start(() -> forward(started.getErrorStream()));
    readReadyLine(started);
    int exitCode = started.waitFor();
    happened(Change.ENDED);
    errors.join();
    return exitCode;
  }

  private void readReadyLine(Process started) throws IOException {
    try (BufferedReader out = started.inputReader(StandardCharsets.UTF_8)) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        try {
          Ready said = Ready.parse(JsonMapper.shared().readTree(line));
          happened(Change.READY);
          ready.complete(said);
          firstReady.complete(said);
        } catch (JacksonException notJson) {
          log.accept("[%s] %s".formatted(name, line));
        }
      }
    }
  }

  private void forward(InputStream errors) {
    try (BufferedReader reader = new BufferedReader(new java.io.InputStreamReader(errors, StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (line.contains("Using incubator modules")) {
          continue;
        }
        lastWords = line.startsWith(FINAL) ? line.substring(FINAL.length()) : line;
        log.accept(named(line));
      }
    } catch (IOException gone) {
      // The process is.
    }
  }

  /** A line of the process's log that says whose it is. */
  private String named(String line) {
    return line.startsWith("{\"@timestamp\"")
        ? "{\"service.node.name\":\"%s\",%s".formatted(name, line.substring(1))
        : "[%s] %s".formatted(name, line);
  }

  /** Tells the process to stop; {@link #close} waits for it. */
  void stop() {
    closed = true;
    Process current = process;
    if (current != null) {
      current.destroy();
    }
  }

  /** Stops the process, at last by force. */
  @Override
  public void close() {
    stop();
    Process current = process;
    boolean interrupted = false;
    try {
      if (current != null && !current.waitFor(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        log.accept("[%s] does not stop and is killed".formatted(name));
        current.destroyForcibly().waitFor();
      }
      supervisor.interrupt();
      supervisor.join();
    } catch (InterruptedException e) {
      interrupted = true;
      if (current != null) {
        current.destroyForcibly();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
