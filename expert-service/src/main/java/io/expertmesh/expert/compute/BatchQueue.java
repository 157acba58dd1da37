package io.expertmesh.expert.compute;

import io.expertmesh.proto.v1.RejectionReason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
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
  /** For the thread that computes, between two computations. */
  private final Deque<FutureTask<?>> chores = new ArrayDeque<>();
  /** Given up, and still needed by batches that wait, or not freed yet. */
  private final List<HeldExpert> unneeded = new ArrayList<>();
  private Consumer<HeldExpert> free = expert -> {};
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
   * @throws BatchRejectedException UNKNOWN_EXPERT if one of its experts was just given up; OVERLOADED if it does not fit;
   *     DEADLINE if its turn would come too late; what {@link #refuse} said
   */
  public void offer(Batch batch) throws BatchRejectedException {
    lock.lock();
    try {
      lastOfferNanos = System.nanoTime();
      if (refusal != null) {
        throw refusal;
      }
      List<Integer> givenUp = batch.givenUp();
      if (!givenUp.isEmpty()) {
        throw BatchRejectedException.givenUp(givenUp);
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
      doChores();
      while (waiting.isEmpty() && !closed) {
        resume();
        if (waiting.isEmpty() && !closed && chores.isEmpty()) {
          changed.await();
        }
        doChores();
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

  /** Runs what is to be done between computations, without the lock, and frees experts that nothing needs any more. */
  private void doChores() {
    for (FutureTask<?> chore = chores.poll(); chore != null; chore = chores.poll()) {
      lock.unlock();
      try {
        chore.run();
      } finally {
        lock.lock();
      }
    }
    if (!unneeded.isEmpty()) {
      List<HeldExpert> freed = new ArrayList<>(unneeded);
      freed.removeIf(expert -> waiting.stream().anyMatch(batch -> batch.needs(expert)));
      unneeded.removeAll(freed);
      lock.unlock();
      try {
        freed.forEach(free);
      } finally {
        lock.lock();
      }
    }
  }

  /**
   * Runs {@code chore} on the thread that computes, between two computations.
   *
   * @return false if the queue is closed
   */
  boolean between(FutureTask<?> chore) {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      chores.add(chore);
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Frees {@code experts}, which are given up, on the thread that computes, as soon as no batch that waits needs them.
   *
   * @param how always the same
   */
  void whenUnneeded(List<HeldExpert> experts, Consumer<HeldExpert> how) {
    lock.lock();
    try {
      free = how;
      unneeded.addAll(experts);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
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

  /** Takes no more batches; what waits is computed. The first reason stays. */
  public void refuse(RejectionReason reason, String message) {
    lock.lock();
    try {
      if (refusal == null) {
        refusal = new BatchRejectedException(reason, message);
      }
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

  /** Takes back all that waits. */
  List<Batch> takeBack() {
    lock.lock();
    try {
      List<Batch> left = List.copyOf(waiting);
      waiting.clear();
      queuedRows = 0;
      changed.signalAll();
      return left;
    } finally {
      lock.unlock();
    }
  }

  /** Ends {@link #take}; returns what was not computed. */
  List<Batch> close() {
    lock.lock();
    try {
      closed = true;
      chores.forEach(chore -> chore.cancel(false));
      chores.clear();
      return takeBack();
    } finally {
      lock.unlock();
    }
  }
}
