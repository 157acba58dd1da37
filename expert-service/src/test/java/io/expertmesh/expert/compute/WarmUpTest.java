package io.expertmesh.expert.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelExperts;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class WarmUpTest {
  private static final ModelExperts MODEL = ModelExperts.of(Checkpoint.open(Path.of("../models/demo")),
      new ScalarKernels());

  @Test
  void kernelsOfThisMachinePassAndAreMeasured() {
    WarmUp warmUp = new WarmUp(MODEL, KernelSelection.kernels());
    warmUp.check(List.of(3, 4, 15), 2);
    Speed speed = new Speed();
    warmUp.measure(List.of(3), 1, speed);
    assertThat(speed.rowsPerSecond()).isPositive();
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
    assertThatThrownBy(() -> new WarmUp(MODEL, broken).check(List.of(6), 1))
        .isInstanceOfSatisfying(FailureException.class,
            failure -> assertThat(failure.category()).isEqualTo(FailureCategory.INTERNAL))
        .hasMessageContaining("the kernels broken compute another expert 6 of layer 0 than the reference");
  }
}
