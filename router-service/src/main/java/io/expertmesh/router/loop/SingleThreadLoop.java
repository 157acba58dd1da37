package io.expertmesh.router.loop;

import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An event loop on a thread of its own, by the machine's clocks. */
public final class SingleThreadLoop implements EventLoop, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SingleThreadLoop.class);

  private final ScheduledThreadPoolExecutor thread;

  public SingleThreadLoop(String name) {
    thread = new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name(name).factory(),
        new ThreadPoolExecutor.DiscardPolicy());
  }

  @Override
  public void execute(Runnable task) {
    thread.execute(() -> run(task));
  }

  @Override
  public void every(Duration period, Runnable task) {
    // The wait is counted from the end of the last run, so that a process that was stopped does not catch up.
    var _ = thread.scheduleWithFixedDelay(() -> run(task), period.toNanos(), period.toNanos(),
        TimeUnit.NANOSECONDS);
  }

  /** A task's defect must not end the loop. */
  private static void run(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException defect) {
      log.error("A task of the router failed because of a defect", defect);
    }
  }

  @Override
  public long nanos() {
    return System.nanoTime();
  }

  @Override
  public long millis() {
    return System.currentTimeMillis();
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
