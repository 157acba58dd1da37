package io.expertmesh.gateway;

import io.expertmesh.engine.api.GenerationEngine;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.SmartLifecycle;

/**
 * Ends the work of the engines when the server stops: while the web server has stopped accepting and waits for its running
 * requests, those get the configured time, and the rest is cancelled so that the web server can tell its clients.
 */
public final class EngineDrain implements SmartLifecycle {
  /** What the web server gets to send its last answers. */
  static final Duration LAST_WORDS = Duration.ofSeconds(2);

  private static final Logger log = LoggerFactory.getLogger(EngineDrain.class);

  private final List<GenerationEngine> engines;
  private final Duration timeout;
  private volatile boolean running;

  EngineDrain(List<GenerationEngine> engines, Duration timeout) {
    this.engines = List.copyOf(engines);
    this.timeout = timeout;
  }

  @Override
  public void start() {
    running = true;
  }

  @Override
  public void stop(Runnable done) {
    running = false;
    AtomicInteger left = new AtomicInteger(engines.size());
    for (GenerationEngine engine : engines) {
      Thread.ofVirtual().name("engine-drain").start(() -> {
        try {
          engine.drain(timeout);
        } catch (InterruptedException interrupted) {
          log.warn("Interrupted while running answers were finishing");
        } finally {
          if (left.decrementAndGet() == 0) {
            done.run();
          }
        }
      });
    }
  }

  @Override
  public void stop() {
    stop(() -> {});
  }

  /** Whether requests are taken. */
  @Override
  public boolean isRunning() {
    return running;
  }

  /** Together with the web server's own graceful shutdown. */
  @Override
  public int getPhase() {
    return WebServerApplicationContext.GRACEFUL_SHUTDOWN_PHASE;
  }
}
