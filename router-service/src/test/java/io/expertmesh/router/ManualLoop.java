package io.expertmesh.router;

import io.expertmesh.router.loop.EventLoop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;

/** An event loop on a real thread whose time passes only when a test says so. */
public final class ManualLoop implements EventLoop, AutoCloseable {
  private record Repeated(long periodNanos, Runnable task) {}

  private final ExecutorService thread = Executors.newSingleThreadExecutor(
      Thread.ofPlatform().daemon().name("manual-loop").factory());
  private final List<Repeated> repeated = new ArrayList<>();
  private final AtomicLong nanos = new AtomicLong(1_000_000_000L);
  private volatile long startMillis = 1_700_000_000_000L;

  @Override
  public void execute(Runnable task) {
    try {
      thread.execute(task);
    } catch (RejectedExecutionException closed) {
      // Nobody waits for it.
    }
  }

  @Override
  public long nanos() {
    return nanos.get();
  }

  @Override
  public long millis() {
    return startMillis + nanos.get() / 1_000_000;
  }

  /** The wall clock of another machine. */
  public void millisAtStart(long millis) {
    startMillis = millis;
  }

  @Override
  public void every(Duration period, Runnable task) {
    repeated.add(new Repeated(period.toNanos(), task));
  }

  /** Lets time pass in small steps, and returns when all that came of it is done. */
  public void advance(Duration by) {
    long step = Duration.ofMillis(50).toNanos();
    for (long left = by.toNanos(); left > 0; left -= step) {
      long passed = Math.min(step, left);
      run(() -> {
        nanos.addAndGet(passed);
        repeated.forEach(each -> each.task().run());
      });
    }
    settle();
  }

  /** Lets time pass at once, as for a process that was halted. */
  public void jump(Duration by) {
    run(() -> {
      nanos.addAndGet(by.toNanos());
      repeated.forEach(each -> each.task().run());
    });
    settle();
  }

  /** Returns when everything is done that waited, and what that led to. */
  public void settle() {
    run(() -> {});
    run(() -> {});
  }

  /** Runs a task and returns when it is done. */
  public void run(Runnable task) {
    CompletableFuture.runAsync(task, thread).join();
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
