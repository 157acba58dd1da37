package io.expertmesh.cli;

import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.jline.utils.Signals;
import picocli.CommandLine.Option;

/**
 * When a server stops. SIGTERM, Ctrl-C or a closed terminal let it finish what runs and end with exit code 0; the same
 * signal again ends it at once, as does any signal before it is ready, with 128 and the signal's number.
 */
final class StopSignal {
  private static final int ENDED_BY_SIGNAL = 128;
  private static final Map<String, Integer> SIGNALS = Map.of("HUP", 1, "INT", 2, "TERM", 15);

  @Option(
      names = "--stop-with-stdin",
      hidden = true,
      description = "Stop when standard input ends, as it does when the process that started this one is gone.")
  private boolean withStdin;

  private final CountDownLatch stop = new CountDownLatch(1);
  private final Set<String> received = ConcurrentHashMap.newKeySet();
  private volatile boolean ready;

  /** To be called first: until the server is ready, the end of standard input ends the process. */
  void watch() {
    if (withStdin) {
      Thread.ofPlatform().name("stdin").daemon().start(this::readToTheEnd);
    }
  }

  /**
   * The server is ready. Returns when it is told to stop.
   *
   * @param announce tells the world, which may answer with a signal at once
   */
  void await(Runnable announce) throws InterruptedException {
    SIGNALS.forEach((name, number) -> Signals.register(name, () -> received(name, number)));
    ready = true;
    announce.run();
    stop.await();
  }

  /** Ends the wait as a signal does. */
  void stop() {
    stop.countDown();
  }

  /** Ctrl-C reaches all processes of a cluster, which then also get a SIGTERM: only the same signal twice is impatience. */
  private void received(String name, int number) {
    if (!received.add(name)) {
      Runtime.getRuntime().halt(ENDED_BY_SIGNAL + number);
    }
    stop.countDown();
  }

  private void readToTheEnd() {
    byte[] ignored = new byte[64];
    try {
      while (System.in.read(ignored) >= 0) {
        // Only the end matters.
      }
    } catch (IOException gone) {
      // Likewise the end.
    }
    stop.countDown();
    if (!ready) {
      Runtime.getRuntime().halt(0);
    }
  }
}
