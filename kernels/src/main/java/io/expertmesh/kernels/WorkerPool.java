package io.expertmesh.kernels;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed set of threads that work through the kernels of a step together with the calling thread.
 *
 * <p>Between two calls the threads spin for a moment, since the next kernel of the same step follows within
 * microseconds and waking a parked thread takes longer than many kernels; they park when nothing comes.
 * One caller at a time.
 */
public final class WorkerPool implements AutoCloseable {
  /** How long threads wait awake by default. */
  public static final Duration SPIN = Duration.ofNanos(200_000);
  private static final int SPINS_BETWEEN_CLOCK_READS = 64;

  /** One unit of work. */
  @FunctionalInterface
  public interface Task {
    /**
     * @param task which one, from 0
     * @param worker who runs it, from 0 to {@link WorkerPool#threads()} - 1; the same worker never runs two at once
     */
    void run(int task, int worker);
  }

  private static final class Job {
    final Task task;
    final int tasks;
    final AtomicInteger next = new AtomicInteger();
    final AtomicInteger done = new AtomicInteger();
    final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    Job(Task task, int tasks) {
      this.task = task;
      this.tasks = tasks;
    }

    void work(int worker) {
      for (int i = next.getAndIncrement(); i < tasks; i = next.getAndIncrement()) {
        try {
          task.run(i, worker);
        } catch (Throwable t) { // handed to the caller of run
          failure.compareAndSet(null, t);
        } finally {
          done.getAndIncrement();
        }
      }
    }
  }

  private final class Worker extends Thread {
    final int index;
    volatile boolean parked;

    Worker(int index) {
      super("expertmesh-kernel-" + index);
      this.index = index;
      setDaemon(true);
    }

    @Override
    public void run() {
      Job last = null;
      while (!closed) {
        last = awaitJobAfter(last);
        if (last != null) {
          last.work(index);
        }
      }
    }

    private @Nullable Job awaitJobAfter(@Nullable Job last) {
      long deadline = System.nanoTime() + spinNanos;
      for (int spins = 1; job == last && !closed; spins++) {
        Thread.onSpinWait();
        if (spins % SPINS_BETWEEN_CLOCK_READS == 0 && System.nanoTime() > deadline) {
          parked = true;
          while (job == last && !closed) {
            LockSupport.park(WorkerPool.this);
          }
          parked = false;
        }
      }
      return job;
    }
  }

  private final Worker[] workers;
  private final long spinNanos;
  private volatile @Nullable Job job;
  private volatile boolean closed;

  /**
   * Threads that wait awake for {@link #SPIN}.
   *
   * @param threads including the calling thread
   */
  public WorkerPool(int threads) {
    this(threads, SPIN);
  }

  /**
   * @param threads including the calling thread
   * @param spin how long threads wait awake for the next kernel; zero where others need the cores meanwhile
   */
  public WorkerPool(int threads, Duration spin) {
    if (threads < 1) {
      throw new IllegalArgumentException("a worker pool needs at least one thread, not " + threads);
    }
    spinNanos = spin.toNanos();
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
      workers[i].start();
    }
  }

  public int threads() {
    return workers.length + 1;
  }

  /** Runs the tasks 0 to {@code tasks} - 1 and returns when all have ended; throws what one of them threw. */
  public void run(int tasks, Task task) {
    Job current = new Job(task, tasks);
    if (tasks > 1 && workers.length > 0) {
      job = current;
      for (Worker worker : workers) {
        if (worker.parked) {
          LockSupport.unpark(worker);
        }
      }
    }
    current.work(0);
    for (int spins = 1; current.done.get() < tasks; spins++) {
      if (spins % 4096 == 0) {
        LockSupport.parkNanos(1); // another process has the worker's core
      } else {
        Thread.onSpinWait();
      }
    }
    Throwable failure = current.failure.get();
    if (failure instanceof RuntimeException e) {
      throw e;
    }
    if (failure instanceof Error e) {
      throw e;
    }
  }

  /** Spreads [0, n) in runs of at least {@code grain} over the threads. */
  public void ranges(int n, int grain, Range range) {
    int chunks = Math.max(1, Math.min(n / Math.max(1, grain), threads() * 4));
    run(chunks, (chunk, worker) -> range.run((int) ((long) n * chunk / chunks), (int) ((long) n * (chunk + 1) / chunks),
        worker));
  }

  /** A run of indices. */
  @FunctionalInterface
  public interface Range {
    void run(int from, int to, int worker);
  }

  /** The threads besides the caller's. */
  List<Thread> workers() {
    return List.of(workers);
  }

  /** Returns when the threads have ended. */
  @Override
  public void close() {
    closed = true;
    for (Worker worker : workers) {
      LockSupport.unpark(worker);
    }
    boolean interrupted = false;
    for (Worker worker : workers) {
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
