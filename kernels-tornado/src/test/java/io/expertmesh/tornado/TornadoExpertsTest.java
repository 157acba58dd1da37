package io.expertmesh.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.DType;
import io.expertmesh.model.architecture.Activation;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.device.LoadedExpert;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Experts that come and go, and what does not work. */
final class TornadoExpertsTest {
  private static final int HIDDEN = 48;
  private static final int SIZE = 24;
  private static final float TOLERANCE = 1e-5f;

  private final RandomExperts random = new RandomExperts(11);

  private ExpertWeights expert(int layer, int id) {
    return random.expert(layer, id, new Activation.GatedSilu(), DType.F32, DType.F32, HIDDEN, SIZE, false);
  }

  @Test
  void aReleasedExpertsSlotIsTheNextOnes() {
    List<ExpertWeights> weights = List.of(expert(0, 0), expert(0, 1), expert(0, 2));
    try (TornadoExperts device = new TornadoExperts(TestDevice.first(), 8)) {
      device.reserve(List.of(weights.getFirst()), 2);
      LoadedExpert first = device.load(weights.get(0));
      LoadedExpert second = device.load(weights.get(1));
      long taken = device.takenBytes();
      device.release(first);
      device.reserve(List.of(weights.get(2)), 1);
      LoadedExpert third = device.load(weights.get(2));
      assertThat(device.takenBytes()).isEqualTo(taken);
      compare(device, List.of(second, third), weights.subList(1, 3), 0, 2, 3);
    }
  }

  @Test
  void oneMoreThanWasReservedIsHeldToo() {
    List<ExpertWeights> weights = List.of(expert(0, 0), expert(0, 1));
    try (TornadoExperts device = new TornadoExperts(TestDevice.first(), 8)) {
      device.reserve(List.of(weights.getFirst()), 1);
      List<LoadedExpert> loaded = weights.stream().map(device::load).toList();
      assertThat(device.banks()).hasSize(2);
      compare(device, loaded, weights, 0, 1, 2);
    }
  }

  @Test
  void expertsOfALayerThatOneArrayDoesNotHoldAreInSeveral() {
    List<ExpertWeights> weights = List.of(expert(0, 0), expert(0, 1), expert(0, 2), expert(1, 0));
    long twoExperts = 2L * Float.BYTES * (2 * SIZE * HIDDEN + 64);
    try (TornadoExperts device = new TornadoExperts(TestDevice.first(), 8, 1L << 30, twoExperts)) {
      device.reserve(List.of(weights.get(0), weights.get(3)), 3);
      List<LoadedExpert> loaded = weights.stream().map(device::load).toList();
      assertThat(device.banks()).hasSizeBetween(2, 3);
      compare(device, loaded.subList(0, 3), weights.subList(0, 3), 0, 2, 3, 5);
      compare(device, loaded.subList(3, 4), weights.subList(3, 4), 0, 4);
    }
  }

  @Test
  void loadsWhileItComputes() throws Exception {
    ExpertWeights serving = expert(0, 0);
    try (TornadoExperts device = new TornadoExperts(TestDevice.first(), 8)) {
      device.reserve(List.of(serving), 3);
      LoadedExpert loaded = device.load(serving);
      CompletableFuture<Void> loading = CompletableFuture.runAsync(() -> {
        for (int i = 0; i < 40; i++) {
          device.release(device.load(expert(0, 1 + i % 2)));
        }
      });
      float[] x = new RandomExperts(3).floats(2 * HIDDEN);
      float[] out = new float[x.length];
      float[] expected = Reference.forward(List.of(serving), new int[]{0, 2}, x);
      do {
        device.forward(List.of(loaded), new int[]{0, 2}, x, out);
        assertThat(Reference.difference(out, expected, 2, HIDDEN)).isLessThan(TOLERANCE);
      } while (!loading.isDone());
      loading.get();
      assertThat(device.banks()).hasSize(1);
    }
  }

  @Test
  void whatDoesNotFitIsRefusedWithTheNumbersBeforeAnythingIsTaken() {
    try (TornadoExperts device = new TornadoExperts(TestDevice.first(), 8, 100_000_000, 50_000_000)) {
      assertThatExceptionOfType(FailureException.class)
          .isThrownBy(() -> device.reserve(List.of(expert(0, 0), expert(1, 0)), 6000))
          .withMessageContaining("100,000,000").withMessageContaining("--expert-dtype")
          .satisfies(failure -> assertThat(failure.category()).isEqualTo(FailureCategory.TOO_LARGE));
      assertThat(device.takenBytes()).isZero();
      device.load(expert(0, 0));
    }
  }

  @Test
  void aPlanThatIsGoneIsAFailureAndSoIsEverythingAfterIt() {
    ExpertWeights weights = expert(0, 0);
    TornadoExperts device = new TornadoExperts(TestDevice.first(), 8);
    LoadedExpert loaded = device.load(weights);
    device.banks().getFirst().close();
    for (int i = 0; i < 2; i++) {
      assertThatExceptionOfType(FailureException.class)
          .isThrownBy(() -> device.forward(List.of(loaded), new int[]{0, 1}, new float[HIDDEN], new float[HIDDEN]))
          .satisfies(failure -> assertThat(failure.category()).isEqualTo(FailureCategory.UNAVAILABLE));
    }
  }

  private void compare(TornadoExperts device, List<LoadedExpert> experts, List<ExpertWeights> weights,
      int... starts) {
    int rows = starts[experts.size()];
    float[] x = random.floats(rows * HIDDEN);
    float[] out = new float[x.length];
    device.forward(experts, starts, x, out);
    assertThat(Reference.difference(out, Reference.forward(weights, starts, x), rows, HIDDEN)).isLessThan(TOLERANCE);
  }
}
