package io.expertmesh.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.expertmesh.kernels.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class QuantizerTest {
  /** What ggml's quantize_row_q8_0_ref and quantize_row_q4_0_ref (libggml 0.5) make of the same numbers. */
  @ParameterizedTest
  @CsvSource(
      textBlock = """
          spread, Q8_0, 730a811ebd5af99835d47110af4ceb8a27c66302a13edd7a19b855f4922fce6b0aa9580a48e58222bf5ffc9a39d77613b150ee8b2bc86805a242df7f1cba59f79434d171
          spread, Q4_0, 661ae08a24ce68f1ab35df7913bd57f19a344c9a53ca1f86ec42a80e64cb2197fd53b91f
          halves, Q8_0, 082c81899199a1a9b1b9c0c8d0d8e0e8f0f8000810182028303840474f575f676f77
          halves, Q4_0, 003c809191a2a2b3b3c4c4d5d5e6e6f7f7f8
          ties,   Q8_0, 003c7ffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0
          ties,   Q4_0, f0cb9098989898989898a9a9a9a9a9a9a9a9
          zero,   Q8_0, 00000000000000000000000000000000000000000000000000000000000000000000
          zero,   Q4_0, 008088888888888888888888888888888888
          """)
  void givesGgmlsBytes(String numbers, DType dtype, String expected) {
    float[] values = numbers(numbers);
    byte[] actual = new byte[(int) dtype.bytes(values.length)];
    Quantizer.fromFloats(values, values.length, dtype, MemorySegment.ofArray(actual), 0);
    assertThat(HexFormat.of().formatHex(actual)).isEqualTo(expected);
  }

  private static float[] numbers(String kind) {
    float[] values = new float[kind.equals("spread") ? 64 : 32];
    for (int i = 0; i < values.length; i++) {
      values[i] = switch (kind) {
        case "spread" -> (float) ((i * 2654435761L % (1L << 32) / 4294967296.0 - 0.5) * 0.05);
        case "halves" -> (i - 16) / 2f;
        case "ties" -> i == 0 ? 127 : -i - 0.5f;
        default -> 0;
      };
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  void readsBackWithinTheTypesPrecision(DType dtype) {
    float[] values = new float[256];
    Random random = new Random(3);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat(-1, 1);
    }
    MemorySegment bytes = Arena.ofAuto().allocate(dtype.bytes(values.length));
    Quantizer.fromFloats(values, values.length, dtype, bytes, 0);
    float[] back = new float[128];
    Quantizer.toFloats(bytes, dtype, 128, back, 128);
    // Half a step at magnitude 1 and the f16 scale's error; q4_0 has a whole step at the clipped end.
    double step = switch (dtype) {
      case F32 -> 0;
      case F16 -> 0x1p-12;
      case BF16 -> 0x1p-9;
      case Q8_0 -> 0.0043;
      case Q4_0 -> 0.126;
      default -> throw new IllegalArgumentException(dtype.name());
    };
    for (int i = 0; i < back.length; i++) {
      assertThat(Math.abs(back[i] - values[128 + i])).as("element %d", i).isLessThanOrEqualTo((float) step);
    }
  }

  @Test
  void roundsToTheNearestEvenBf16() {
    float[] values = {0x1.01p0f, 0x1.03p0f, -0x1.01p0f};
    MemorySegment bytes = Arena.ofAuto().allocate(6);
    Quantizer.fromFloats(values, 3, DType.BF16, bytes, 0);
    float[] back = new float[3];
    Quantizer.toFloats(bytes, DType.BF16, 0, back, 3);
    assertThat(back).containsExactly(1f, 1.015625f, -1f);
  }

  @ParameterizedTest
  @CsvSource({"NaN,F32", "Infinity,BF16", "70000,F16", "-Infinity,Q8_0", "NaN,Q4_0"})
  void refusesWhatDoesNotFit(float value, DType dtype) {
    float[] values = new float[32];
    values[5] = value;
    assertThatExceptionOfType(ArithmeticException.class).isThrownBy(
        () -> Quantizer.fromFloats(values, 32, dtype, MemorySegment.ofArray(new byte[256]), 0))
        .withMessageStartingWith("holds");
  }
}
