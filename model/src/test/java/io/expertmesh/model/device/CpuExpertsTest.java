package io.expertmesh.model.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelExperts;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Converted experts are counted against the machine's memory before they are loaded; mapped ones are not. */
class CpuExpertsTest {
  private static final Kernels KERNELS = new ScalarKernels();
  private static final ModelExperts DEMO = ModelExperts.of(Checkpoint.open(Path.of("../models/demo")), KERNELS);

  @Test
  void convertedExpertsThatDoNotFitAreRefusedWithTheNumbers() {
    ModelExperts held = DEMO.heldAs(DType.Q8_0, Numerics.FAST);
    long each = DType.Q8_0.bytes(3 * 192 * 96);
    try (Arena memory = Arena.ofShared();
        WorkerPool pool = new WorkerPool(1);
        CpuExperts device = new CpuExperts(KERNELS, pool, 3 * each)) {
      List<ExpertWeights> layer = List.of(held.load(0, 1, memory));
      device.reserve(layer, 3);
      LoadedExpert loaded = device.load(layer.getFirst());
      device.reserve(layer, 2);
      assertThatThrownBy(() -> device.reserve(layer, 3))
          .isInstanceOfSatisfying(FailureException.class,
              failure -> assertThat(failure.category()).isEqualTo(FailureCategory.TOO_LARGE))
          .hasMessageContaining("they need %,d bytes".formatted(3 * each))
          .hasMessageContaining("%,d of its %,d are taken".formatted(each, 3 * each));
      device.release(loaded);
      device.reserve(layer, 3);
      device.reserve(List.of(DEMO.load(0, 1, memory)), 1000); // mapped
      assertThat(device.keepsWeights()).isTrue();
    }
  }
}
