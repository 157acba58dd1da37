package io.expertmesh.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.device.ExpertWeights;
import java.util.List;

/** What {@link ScalarKernels} compute. */
final class Reference {
  private Reference() {}

  /** (rows, hidden). */
  static float[] forward(List<ExpertWeights> experts, int[] starts, float[] x) {
    float[] out = new float[x.length];
    List<FeedForwardWeights> weights = experts.stream().map(expert -> new FeedForwardWeights(expert.activation(),
        expert.gate(), expert.up(), expert.down(), expert.biases())).toList();
    try (WorkerPool pool = new WorkerPool(1)) {
      new FeedForwardRunner(new ScalarKernels(), pool).forward(weights, starts, x, out);
    }
    return out;
  }

  /** The largest difference of a row over the row's largest value, of the worst row. */
  static float difference(float[] actual, float[] expected, int rows, int hidden) {
    float worst = 0f;
    for (int row = 0; row < rows; row++) {
      float difference = 0f;
      float largest = 0f;
      for (int i = row * hidden; i < (row + 1) * hidden; i++) {
        assertThat(actual[i]).isFinite();
        difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
        largest = Math.max(largest, Math.abs(expected[i]));
      }
      assertThat(largest).isPositive();
      worst = Math.max(worst, difference / largest);
    }
    return worst;
  }
}
