package io.expertmesh.gateway.remote;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One thread that some state belongs to. What comes after its close is not run. */
final class ControlThread implements Executor, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ControlThread.class);

  private final ScheduledThreadPoolExecutor thread;

  ControlThread(String name) {
    thread = new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().name(name).daemon().factory());
    thread.setRejectedExecutionHandler(new ThreadPoolExecutor.DiscardPolicy());
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  @Override
  public void execute(Runnable task) {
    thread.execute(() -> run(task));
  }

  /** Returns when {@code task} has run on this thread, or the thread is closed. Not to be called on it. */
  void await(Runnable task) {
    CountDownLatch done = new CountDownLatch(1);
    execute(() -> {
      try {
        task.run();
      } finally {
        done.countDown();
      }
    });
    try {
      while (!done.await(50, TimeUnit.MILLISECONDS) && !thread.isTerminated()) {
        // A task that came after the close is dropped.
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  void later(long millis, Runnable task) {
    var _ = thread.schedule(() -> run(task), millis, TimeUnit.MILLISECONDS);
  }

  private static void run(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      log.error("a task of {} failed", Thread.currentThread().getName(), e);
    }
  }

  /** Runs what was handed over, drops what was for later, and returns when the thread has ended. */
  @Override
  public void close() {
    thread.shutdown();
    boolean interrupted = false;
    while (!thread.isTerminated()) {
      try {
        var _ = thread.awaitTermination(1, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
