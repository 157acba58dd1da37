package io.expertmesh.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void everyTaskRunsOnce(int threads) {
    try (WorkerPool pool = new WorkerPool(threads)) {
      assertThat(pool.threads()).isEqualTo(threads);
      for (int tasks : new int[]{0, 1, 2, 3, 17, 1000}) {
        AtomicIntegerArray runs = new AtomicIntegerArray(Math.max(1, tasks));
        pool.run(tasks, (task, worker) -> runs.getAndIncrement(task));
        for (int i = 0; i < tasks; i++) {
          assertThat(runs.get(i)).isEqualTo(1);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void workerNumbersAreNeverSharedAtOneTime(int threads) {
    try (WorkerPool pool = new WorkerPool(threads)) {
      AtomicIntegerArray busy = new AtomicIntegerArray(threads);
      pool.run(20_000, (task, worker) -> {
        assertThat(busy.incrementAndGet(worker)).isEqualTo(1);
        Thread.onSpinWait();
        busy.decrementAndGet(worker);
      });
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void rangesCoverEverythingOnce(int threads) {
    try (WorkerPool pool = new WorkerPool(threads)) {
      for (int n : new int[]{0, 1, 2, 5, 31, 1000}) {
        for (int grain : new int[]{0, 1, 4, 64}) {
          AtomicIntegerArray covered = new AtomicIntegerArray(n + 1);
          pool.ranges(n, grain, (from, to, worker) -> {
            for (int i = from; i < to; i++) {
              covered.getAndIncrement(i);
            }
          });
          for (int i = 0; i < n; i++) {
            assertThat(covered.get(i)).isEqualTo(1);
          }
        }
      }
    }
  }

  /** What a task writes is visible to the caller and to the tasks of the next run, without any locks of its own. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void tinyRunsSeeEachOthersResults(int threads) {
    try (WorkerPool pool = new WorkerPool(threads)) {
      long[] values = new long[2 * threads];
      for (int i = 0; i < 100_000; i++) {
        pool.run(values.length, (task, worker) -> values[task]++);
      }
      assertThat(values).containsOnly(100_000L);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void failuresReachTheCallerAndThePoolGoesOn(int threads) {
    try (WorkerPool pool = new WorkerPool(threads)) {
      AtomicInteger ran = new AtomicInteger();
      assertThatThrownBy(() -> pool.run(50, (task, worker) -> {
        ran.getAndIncrement();
        if (task == 13) {
          throw new IllegalStateException("task 13");
        }
      })).isInstanceOf(IllegalStateException.class).hasMessage("task 13");
      assertThat(ran.get()).isEqualTo(50);
      assertThatThrownBy(() -> pool.run(2, (task, worker) -> {
        throw new StackOverflowError();
      })).isInstanceOf(StackOverflowError.class);

      AtomicLong sum = new AtomicLong();
      pool.run(100, (task, worker) -> sum.addAndGet(task));
      assertThat(sum.get()).isEqualTo(4950);
    }
  }

  @Test
  void idleWorkersPark() {
    try (WorkerPool pool = new WorkerPool(3)) {
      pool.run(100, (task, worker) -> Thread.onSpinWait());
      List<Thread> workers = pool.workers();
      assertThat(workers).hasSize(2);
      await(() -> workers.stream().allMatch(t -> t.getState() == Thread.State.WAITING));

      AtomicInteger ran = new AtomicInteger();
      pool.run(100, (task, worker) -> ran.getAndIncrement());
      assertThat(ran.get()).isEqualTo(100);
    }
  }

  @Test
  void closeEndsTheThreads() {
    WorkerPool parked = new WorkerPool(3);
    await(() -> parked.workers().stream().allMatch(t -> t.getState() == Thread.State.WAITING));
    parked.close();
    assertThat(parked.workers()).noneMatch(Thread::isAlive);

    WorkerPool spinning = new WorkerPool(2);
    spinning.run(2, (task, worker) -> Thread.onSpinWait());
    spinning.close();
    spinning.close();
    assertThat(spinning.workers()).noneMatch(Thread::isAlive);
  }

  @Test
  void needsAThread() {
    assertThatThrownBy(() -> new WorkerPool(0)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("0");
  }

  private static void await(BooleanSupplier condition) {
    Instant deadline = Instant.now().plus(Duration.ofSeconds(20));
    while (!condition.getAsBoolean()) {
      assertThat(Instant.now()).as("still waiting").isBefore(deadline);
      Thread.onSpinWait();
    }
  }
}
