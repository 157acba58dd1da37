package io.expertmesh.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.kernels.Samples.Values;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WeightMatrixTest {
  private static MemorySegment bytes(long n) {
    return Arena.ofAuto().allocate(n);
  }

  @Test
  void shapeAndSizeHaveToFit() {
    assertThatThrownBy(() -> new WeightMatrix("w", DType.F32, 2, 3, bytes(20))).hasMessageContaining("w: F32 (2, 3)")
        .hasMessageContaining("24 bytes").hasMessageContaining("20");
    assertThatThrownBy(() -> new WeightMatrix("w", DType.F32, 0, 3, bytes(1))).hasMessageContaining("(0, 3)");
    assertThatThrownBy(() -> new WeightMatrix("w", DType.Q8_0, 1, 33, bytes(68))).hasMessageContaining("33")
        .hasMessageContaining("32");
  }

  /** Kernels read by address. */
  @Test
  void memoryHasToBeNative() {
    assertThatThrownBy(() -> new WeightMatrix("w", DType.F32, 1, 1, MemorySegment.ofArray(new byte[4])))
        .hasMessageContaining("w").hasMessageContaining("native");
  }

  @Test
  void sizesOfBlocks() {
    assertThat(DType.Q8_0.bytes(64)).isEqualTo(68);
    assertThat(DType.Q4_0.bytes(64)).isEqualTo(36);
    assertThat(DType.BF16.bytes(3)).isEqualTo(6);
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void sliceIsTheSameMemory(DType dtype) {
    WeightMatrix whole = new Samples(3).matrix(dtype, 5, 256, Values.ORDINARY);
    WeightMatrix slice = whole.slice("part", 2, 4);
    assertThat(slice.rows()).isEqualTo(2);
    float[] expected = new float[256];
    float[] actual = new float[256];
    ScalarKernels kernels = new ScalarKernels();
    kernels.dequantize(whole, 3, expected, 0);
    kernels.dequantize(slice, 1, actual, 0);
    assertThat(actual).isEqualTo(expected);
  }
}
