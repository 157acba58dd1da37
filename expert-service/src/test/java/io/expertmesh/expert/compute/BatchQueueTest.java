package io.expertmesh.expert.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.model.device.LoadedExpert;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ExpertResult;
import io.expertmesh.proto.v1.RejectionReason;
import io.expertmesh.proto.v1.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BatchQueueTest implements BatchOwner {
  private record Expert(int layer, int id) implements LoadedExpert {}

  private static final HeldExpert EXPERT = new HeldExpert(new Expert(0, 1), null);

  private final Speed speed = new Speed();
  private final BatchQueue queue = new BatchQueue(new BatchLimits(4, 16, 8, 10, 20), speed);
  private long nextId;

  private Batch batch(int layer, int rows, long timeoutMicros) {
    return new Batch(this, nextId++, List.of(), layer, new int[]{1}, new HeldExpert[]{EXPERT}, new int[]{0, rows},
        new int[rows],
        Tensor.getDefaultInstance(), DType.D_TYPE_F32, System.nanoTime(), timeoutMicros);
  }

  private RejectionReason reasonOf(Batch batch) {
    try {
      queue.offer(batch);
      throw new AssertionError("it was taken");
    } catch (BatchRejectedException rejected) {
      return rejected.reason();
    }
  }

  @Test
  void takesWhatWaitsForTheSameLayerUpToTheRowsOfOneComputation() throws BatchRejectedException, InterruptedException {
    queue.offer(batch(2, 4, 0)); // 0
    queue.offer(batch(1, 2, 0)); // 1
    queue.offer(batch(2, 5, 0)); // 2
    queue.offer(batch(2, 2, 0)); // 3: one row too many for the first computation
    queue.offer(batch(2, 1, 0)); // 4
    assertThat(taken()).containsExactly(0L, 2L, 4L);
    assertThat(taken()).containsExactly(1L);
    assertThat(taken()).containsExactly(3L);
    assertThat(queue.queuedRows()).isZero();
  }

  private List<Long> taken() throws InterruptedException {
    List<Batch> batches = new ArrayList<>();
    assertThat(queue.take(batches)).isTrue();
    return batches.stream().map(Batch::id).toList();
  }

  @Test
  void boundsTheRowsThatWait() throws BatchRejectedException, InterruptedException {
    queue.offer(batch(0, 10, 0));
    AtomicInteger resumed = new AtomicInteger();
    assertThat(queue.hasRoomOr(resumed::incrementAndGet)).isTrue();
    queue.offer(batch(1, 8, 0));
    assertThat(queue.hasRoomOr(resumed::incrementAndGet)).isFalse();
    assertThatExceptionOfType(BatchRejectedException.class).isThrownBy(() -> queue.offer(batch(0, 3, 0)))
        .withMessage("18 rows wait, and 3 more are more than 20");
    assertThat(resumed).hasValue(0);
    assertThat(taken()).containsExactly(0L);
    assertThat(resumed).hasValue(1);
    assertThat(queue.hasRoomOr(resumed::incrementAndGet)).isTrue();
  }

  @Test
  void refusesWhatWouldComeTooLate() throws BatchRejectedException {
    queue.offer(batch(0, 10, 1_000_000));
    speed.measured(10, TimeUnit.SECONDS.toNanos(10)); // a row a second
    assertThat(reasonOf(batch(0, 1, 9_000_000))).isEqualTo(RejectionReason.REJECTION_REASON_DEADLINE);
    queue.offer(batch(0, 1, 60_000_000));
    queue.offer(batch(0, 1, 0));
  }

  @Test
  void givesBackWhatNobodyWaitsForAndStopsTaking() throws BatchRejectedException, InterruptedException {
    Batch first = batch(0, 3, 0);
    queue.offer(first);
    queue.offer(batch(0, 4, 0));
    assertThat(queue.awaitQuiet(0, TimeUnit.MILLISECONDS.toNanos(5))).isFalse();
    assertThat(queue.remove(first)).isTrue();
    assertThat(queue.remove(first)).isFalse();
    assertThat(queue.queuedRows()).isEqualTo(4);
    queue.removeAll(this);
    assertThat(queue.queuedRows()).isZero();
    assertThat(queue.awaitQuiet(0, 0)).isTrue();
    queue.refuse(RejectionReason.REJECTION_REASON_DRAINING, "stops");
    assertThat(reasonOf(batch(0, 1, 0))).isEqualTo(RejectionReason.REJECTION_REASON_DRAINING);
    assertThat(queue.close()).isEmpty();
    assertThat(queue.take(new ArrayList<>())).isFalse();
  }

  @Override
  public void computed(Batch batch, ExpertResult result) {
    throw new AssertionError("nothing computes here");
  }

  @Override
  public void rejected(Batch batch, RejectionReason reason, String message) {
    throw new AssertionError("nothing computes here");
  }
}
