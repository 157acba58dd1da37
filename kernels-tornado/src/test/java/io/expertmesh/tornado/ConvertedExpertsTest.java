package io.expertmesh.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.device.ExpertWeights;
import io.expertmesh.model.device.LoadedExpert;
import io.expertmesh.model.family.ModelExperts;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Experts that are converted for a device, which needs the memory of the result no longer than the load. */
final class ConvertedExpertsTest {
  private static final ModelExperts DEMO = ModelExperts.of(Checkpoint.open(Path.of("../models/demo")),
      KernelSelection.kernels());
  private static final float TOLERANCE = 1e-5f;

  @ParameterizedTest
  @CsvSource({"Q8_0", "Q4_0", "F16", "F32"})
  void computeAsTheReferenceDoesWithTheConvertedWeights(DType dtype) {
    ModelExperts held = DEMO.heldAs(dtype, Numerics.FAST);
    int[] starts = {0, 3, 4};
    float[] x = new RandomExperts(5).floats(4 * 192);
    float[] out = new float[x.length];
    try (ExpertDevice device = TestDevice.open(8)) {
      assertThat(device.keepsWeights()).isFalse();
      List<LoadedExpert> loaded;
      try (Arena memory = Arena.ofShared()) {
        List<ExpertWeights> weights = List.of(held.load(1, 4, memory), held.load(1, 9, memory));
        device.reserve(weights.subList(0, 1), 2);
        loaded = weights.stream().map(device::load).toList();
      }
      device.forward(loaded, starts, x, out);
    }
    try (Arena memory = Arena.ofShared()) {
      float[] expected = Reference.forward(List.of(held.load(1, 4, memory), held.load(1, 9, memory)), starts, x);
      assertThat(Reference.difference(out, expected, 4, 192)).isLessThan(TOLERANCE);
    }
  }
}
