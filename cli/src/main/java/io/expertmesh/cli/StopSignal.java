package io.expertmesh.cli;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import org.jline.utils.Signals;
import picocli.CommandLine.Option;

/** When a server stops: SIGTERM or Ctrl-C; a second one stops it at once. */
final class StopSignal {
  /** What shells report of a process that Ctrl-C ended. */
  private static final int STOPPED_TWICE = 130;

  @Option(
      names = "--stop-with-stdin",
      hidden = true,
      description = "Stop when standard input ends, as it does when the process that started this one is gone.")
  private boolean withStdin;

  private final CountDownLatch stop = new CountDownLatch(1);
  private final CountDownLatch closed = new CountDownLatch(1);

  /** Returns when the process is told to stop, which then waits for {@link #closed}. */
  void await() throws InterruptedException {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      Runnable now = () -> Runtime.getRuntime().halt(STOPPED_TWICE);
      Signals.register("INT", now);
      Signals.register("TERM", now);
      stop.countDown();
      try {
        closed.await();
      } catch (InterruptedException impatient) {
        Thread.currentThread().interrupt();
      }
    }, "stop"));
    if (withStdin) {
      Thread.ofPlatform().name("stdin").daemon().start(this::readToTheEnd);
    }
    stop.await();
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
  }

  /** Everything is closed; the process may end. */
  void closed() {
    closed.countDown();
  }
}
