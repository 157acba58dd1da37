package io.expertmesh.expert.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.device.CpuExperts;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelExperts;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

class WarmUpTest {
  private static final ModelExperts MODEL = ModelExperts.of(Checkpoint.open(Path.of("../models/demo")),
      new ScalarKernels());

  private static void with(Kernels kernels, List<Integer> ids, BiConsumer<WarmUp, LoadedExperts> test) {
    WorkerPool pool = new WorkerPool(2);
    ExpertDevice device = new CpuExperts(kernels, pool);
    ExpertProcess process = new ExpertProcess(MODEL, device, BatchLimits.of(MODEL.architecture(), 1000));
    try (ComputeThread compute = process.startComputing(pool)) {
      test.accept(new WarmUp(MODEL, device, compute), process.holding().load(ids));
    }
  }

  @Test
  void kernelsOfThisMachinePassAndAreMeasured() {
    with(KernelSelection.kernels(), List.of(3, 4, 15), (warmUp, experts) -> {
      warmUp.check(experts);
      Speed speed = new Speed();
      warmUp.measure(experts, speed);
      assertThat(speed.rowsPerSecond()).isPositive();
    });
  }

  @Test
  void kernelsThatComputeSomethingElseAreNamed() {
    Kernels scalar = new ScalarKernels();
    Kernels broken = (Kernels) Proxy.newProxyInstance(Kernels.class.getClassLoader(), new Class<?>[]{Kernels.class},
        (proxy, method, arguments) -> {
          if (method.getName().equals("name")) {
            return "broken";
          }
          Object returned = method.invoke(scalar, arguments);
          if (method.getName().equals("gatedSilu")) {
            float[] result = (float[]) arguments[2];
            int offset = (int) arguments[3];
            result[offset] = Math.nextUp(result[offset]) * 1.0001f;
          }
          return returned;
        });
    with(broken, List.of(6), (warmUp, experts) -> assertThatThrownBy(() -> warmUp.check(experts))
        .isInstanceOfSatisfying(FailureException.class,
            failure -> assertThat(failure.category()).isEqualTo(FailureCategory.INTERNAL))
        .hasMessageContaining("cpu broken computes another expert 6 of layer 0 than the reference"));
  }
}
