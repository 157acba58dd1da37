package io.expertmesh.expert.compute;

import io.expertmesh.proto.v1.RejectionReason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The batches of all gateways that wait for the thread that computes; bounded by their rows. */
public final class BatchQueue {
  private final BatchLimits limits;
  private final Speed speed;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<Batch> waiting = new ArrayDeque<>();
  private final List<Runnable> paused = new ArrayList<>();
  private int queuedRows;
  private int runningRows;
  private long lastOfferNanos = System.nanoTime();
  private @Nullable BatchRejectedException refusal;
  private boolean closed;

  public BatchQueue(BatchLimits limits, Speed speed) {
    this.limits = limits;
    this.speed = speed;
  }

  /**
   * Adds a batch.
   *
   * @throws BatchRejectedException OVERLOADED if it does not fit; DEADLINE if its turn would come too late; what
   *     {@link #refuse} said
   */
  public void offer(Batch batch) throws BatchRejectedException {
    lock.lock();
    try {
      lastOfferNanos = System.nanoTime();
      if (refusal != null) {
        throw refusal;
      }
      if (queuedRows > 0 && queuedRows + batch.rows() > limits.maxQueuedRows()) {
        throw new BatchRejectedException(RejectionReason.REJECTION_REASON_OVERLOADED,
            "%d rows wait, and %d more are more than %d".formatted(queuedRows, batch.rows(), limits.maxQueuedRows()));
      }
      long wait = speed.nanosFor(queuedRows + runningRows);
      if (batch.isTooLate(System.nanoTime() + wait)) {
        throw new BatchRejectedException(RejectionReason.REJECTION_REASON_DEADLINE,
            "%d rows before it take about %d us, and %d us are left".formatted(queuedRows + runningRows, wait / 1000,
                Math.max(0, (batch.deadlineNanos - System.nanoTime()) / 1000)));
      }
      waiting.add(batch);
      queuedRows += batch.rows();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for work: the batch that waited longest, and what else waits for the same layer, up to the rows of one
   * computation.
   *
   * @param taken where they go
   * @return false if the queue is closed
   */
  boolean take(List<Batch> taken) throws InterruptedException {
    lock.lock();
    try {
      runningRows = 0;
      changed.signalAll();
      while (waiting.isEmpty() && !closed) {
        resume();
        if (waiting.isEmpty() && !closed) {
          changed.await();
        }
      }
      Batch first = waiting.poll();
      if (first == null) {
        return false;
      }
      taken.add(first);
      int rows = first.rows();
      for (Iterator<Batch> others = waiting.iterator(); others.hasNext();) {
        Batch other = others.next();
        if (other.layer == first.layer && rows + other.rows() <= limits.maxRows()) {
          rows += other.rows();
          taken.add(other);
          others.remove();
        }
      }
      queuedRows -= rows;
      runningRows = rows;
      resume();
    } finally {
      lock.unlock();
    }
    return true;
  }

  /** Lets those continue that wait for room. Only by the thread that computes, and without the lock: they take theirs. */
  private void resume() {
    if (paused.isEmpty() || !hasRoom()) {
      return;
    }
    List<Runnable> resumed = List.copyOf(paused);
    paused.clear();
    lock.unlock();
    try {
      resumed.forEach(Runnable::run);
    } finally {
      lock.lock();
    }
  }

  /** Takes back a batch that nobody waits for any more. False if it is not in the queue. */
  public boolean remove(Batch batch) {
    return removeIf(batch::equals);
  }

  /** Takes back all that {@code owner} sent. */
  public void removeAll(BatchOwner owner) {
    removeIf(batch -> batch.owner.equals(owner));
  }

  private boolean removeIf(Predicate<Batch> condition) {
    boolean removed = false;
    lock.lock();
    try {
      for (Iterator<Batch> all = waiting.iterator(); all.hasNext();) {
        Batch batch = all.next();
        if (condition.test(batch)) {
          all.remove();
          queuedRows -= batch.rows();
          removed = true;
        }
      }
      changed.signalAll();
      return removed;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether there is room for another batch. If there is none, {@code resume} is called once there is, by the thread
   * that computes.
   */
  public boolean hasRoomOr(Runnable resume) {
    lock.lock();
    try {
      if (hasRoom()) {
        return true;
      }
      paused.add(resume);
      return false;
    } finally {
      lock.unlock();
    }
  }

  /** Half of it: what several streams have sent already must fit too. */
  private boolean hasRoom() {
    return queuedRows <= limits.maxQueuedRows() / 2;
  }

  /** Rows that wait. */
  public int queuedRows() {
    lock.lock();
    try {
      return queuedRows;
    } finally {
      lock.unlock();
    }
  }

  /** Takes no more batches; what waits is computed. */
  public void refuse(RejectionReason reason, String message) {
    lock.lock();
    try {
      refusal = new BatchRejectedException(reason, message);
    } finally {
      lock.unlock();
    }
  }

  /** Waits until nothing waits or runs, and nothing came, taken or not, for {@code quietNanos}. False if that takes too long. */
  public boolean awaitQuiet(long quietNanos, long timeoutNanos) throws InterruptedException {
    long end = System.nanoTime() + timeoutNanos;
    lock.lock();
    try {
      while (true) {
        long now = System.nanoTime();
        long quietIn = waiting.isEmpty() && runningRows == 0 ? lastOfferNanos + quietNanos - now : Long.MAX_VALUE;
        if (quietIn <= 0) {
          return true;
        }
        if (end - now <= 0) {
          return false;
        }
        long _ = changed.awaitNanos(Math.min(quietIn, end - now));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Ends {@link #take}; returns what was not computed. */
  List<Batch> close() {
    lock.lock();
    try {
      closed = true;
      List<Batch> left = List.copyOf(waiting);
      waiting.clear();
      queuedRows = 0;
      changed.signalAll();
      return left;
    } finally {
      lock.unlock();
    }
  }
}
