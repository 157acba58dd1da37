package io.expertmesh.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.kernels.Samples.Values;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TopKTest {
  private static int[] select(int k, float... values) {
    int[] ids = new int[k];
    TopK.select(values, 0, values.length, ids);
    return ids;
  }

  @Test
  void largestFirst() {
    assertThat(select(3, 1f, 5f, -2f, 9f, 4f)).containsExactly(3, 1, 4);
    assertThat(select(1, 7f)).containsExactly(0);
    assertThat(select(0, 7f)).isEmpty();
    assertThat(select(2, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY)).containsExactly(1, 0);
  }

  @Test
  void tiesGoToTheLowerIndex() {
    assertThat(select(3, 2f, 2f, 2f, 2f)).containsExactly(0, 1, 2);
    assertThat(select(2, 0f, 1f, 0f, 1f)).containsExactly(1, 3);
    assertThat(select(2, -0f, 0f)).containsExactly(0, 1);
  }

  @Test
  void numbersComeBeforeNaN() {
    assertThat(select(2, Float.NaN, 1f, Float.NaN, Float.NEGATIVE_INFINITY)).containsExactly(1, 3);
    assertThat(select(3, Float.NaN, 1f, Float.NaN)).containsExactly(1, 0, 2);
    assertThat(select(2, 3f, 2f, Float.NaN)).containsExactly(0, 1);
  }

  @Test
  void offset() {
    int[] ids = new int[2];
    TopK.select(new float[]{9f, 9f, 1f, 3f, 2f, 9f}, 2, 3, ids);
    assertThat(ids).containsExactly(1, 2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 63, 64})
  void sameAsASort(int k) {
    for (int seed = 0; seed < 50; seed++) {
      float[] values = new Samples(seed).floats(64, Values.ORDINARY);
      for (int i = 0; i < values.length; i++) {
        values[i] = Math.round(values[i] * 10); // many ties
      }
      int[] expected = IntStream.range(0, values.length).boxed()
          .sorted(Comparator.comparingDouble((Integer i) -> -values[i])).mapToInt(i -> i).limit(k).toArray();
      assertThat(select(k, values)).isEqualTo(expected);
    }
  }
}
