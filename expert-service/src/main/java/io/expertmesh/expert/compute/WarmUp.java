package io.expertmesh.expert.compute;

import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelExperts;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Runs experts with the kernels of this process before anybody else does, and compares them with the scalar reference:
 * a machine or a JVM that computes something else must not join.
 */
public final class WarmUp {
  /** One row and several run through different kernels. */
  private static final int[] ROWS = {1, 4};
  /** Of kernels that are not exact, relative to the largest output. */
  private static final float TOLERANCE = 0.02f;
  private static final int SPEED_EXPERTS = 8;
  private static final int SPEED_ROWS_EACH = 16;
  /** Enough for the JVM to compile the kernels: what a cold one reaches says nothing. */
  private static final int SPEED_RUNS = 30;
  private static final long SPEED_NANOS = 500_000_000;
  private static final long MOST_SPEED_NANOS = 5_000_000_000L;

  private final ModelExperts model;
  private final Kernels kernels;
  private final Kernels reference = new ScalarKernels();

  public WarmUp(ModelExperts model, Kernels kernels) {
    this.model = model;
    this.kernels = kernels;
  }

  /**
   * Runs the first of {@code ids} in every layer, and each in at least one.
   *
   * @throws FailureException INTERNAL if a result is not the reference's
   */
  public void check(Collection<Integer> ids, int threads) {
    try (WorkerPool pool = new WorkerPool(threads); WorkerPool alone = new WorkerPool(1)) {
      FeedForwardRunner runner = new FeedForwardRunner(kernels, pool);
      FeedForwardRunner scalar = new FeedForwardRunner(reference, alone);
      List<Integer> layers = model.architecture().moeLayers();
      int position = 0;
      for (int id : ids) {
        if (position == 0) {
          for (int layer : layers) {
            check(layer, id, runner, scalar);
          }
        } else {
          check(layers.get(position % layers.size()), id, runner, scalar);
        }
        position++;
      }
    }
  }

  private void check(int layer, int id, FeedForwardRunner runner, FeedForwardRunner scalar) {
    int hidden = model.architecture().hiddenSize();
    for (int rows : ROWS) {
      float[] x = pseudoRandom(layer, rows * hidden);
      float[] out = new float[x.length];
      float[] expected = new float[x.length];
      runner.forward(List.of(model.load(layer, id, kernels)), new int[]{0, rows}, x, out);
      scalar.forward(List.of(model.load(layer, id, reference)), new int[]{0, rows}, x, expected);
      compare(layer, id, out, expected);
    }
  }

  private void compare(int layer, int id, float[] out, float[] expected) {
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    boolean exact = kernels.numerics() == Numerics.EXACT;
    for (int i = 0; i < out.length; i++) {
      boolean same = exact
          ? Float.floatToIntBits(out[i]) == Float.floatToIntBits(expected[i])
          : Math.abs(out[i] - expected[i]) <= TOLERANCE * largest;
      if (!same) {
        throw new FailureException(FailureCategory.INTERNAL, """
            the kernels %s compute another expert %d of layer %d than the reference: output %d is %s, not %s. This \
            process must not serve; -Dexpertmesh.kernels=scalar chooses the reference's kernels.""".formatted(
            kernels.name(), id, layer, i, out[i], expected[i]));
      }
    }
  }

  /** Values like normalised hidden states, the same on every machine. */
  private static float[] pseudoRandom(int seed, int n) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) (random.nextDouble() * 2 - 1);
    }
    return x;
  }

  /** Measures how many rows a second a batch for some of {@code ids} reaches; the best of many runs. */
  public void measure(List<Integer> ids, int threads, Speed speed) {
    int experts = Math.min(SPEED_EXPERTS, ids.size());
    int[] starts = new int[experts + 1];
    int layer = model.architecture().moeLayers().getFirst();
    List<FeedForwardWeights> weights = new ArrayList<>(experts);
    for (int i = 0; i < experts; i++) {
      weights.add(model.load(layer, ids.get(i), kernels));
      starts[i + 1] = starts[i] + SPEED_ROWS_EACH;
    }
    int rows = starts[experts];
    float[] x = pseudoRandom(0, rows * model.architecture().hiddenSize());
    float[] out = new float[x.length];
    long best = Long.MAX_VALUE;
    try (WorkerPool pool = new WorkerPool(threads)) {
      FeedForwardRunner runner = new FeedForwardRunner(kernels, pool);
      long took = 0;
      for (int run = 0; took < SPEED_NANOS || (run < SPEED_RUNS && took < MOST_SPEED_NANOS); run++) {
        long start = System.nanoTime();
        runner.forward(weights, starts, x, out);
        long nanos = System.nanoTime() - start;
        best = Math.min(best, nanos);
        took += nanos;
      }
    }
    speed.measured(rows, best);
  }
}
