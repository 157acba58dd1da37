package io.expertmesh.expert.compute;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.device.ExpertDevice;
import io.expertmesh.model.device.LoadedExpert;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelExperts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Runs experts on the device of this process before anybody else does, and compares them with the scalar reference: a
 * machine, a driver or a JVM that computes something else must not join. It also compiles what is compiled when it is
 * first needed.
 */
public final class WarmUp {
  /** Of a batch with many rows, these many are compared: the reference is slow, and rows do not depend on each other. */
  private static final int COMPARED_ROWS = 4;
  private static final int SPEED_EXPERTS = 8;
  private static final int SPEED_ROWS_EACH = 16;
  /** Enough for the JVM to compile the kernels: what a cold one reaches says nothing. */
  private static final int SPEED_RUNS = 30;
  private static final long SPEED_NANOS = 500_000_000;
  private static final long MOST_SPEED_NANOS = 5_000_000_000L;

  private final ModelExperts model;
  private final ExpertDevice device;
  private final ComputeThread compute;
  private final Kernels reference = new ScalarKernels();

  public WarmUp(ModelExperts model, ExpertDevice device, ComputeThread compute) {
    this.model = model;
    this.device = device;
    this.compute = compute;
  }

  /**
   * How far an output of a device that is not exact may be from the reference's, relative to the largest output. A device
   * may round activations to the weights' type, or to 8 bits beside weights in blocks; for F32 only sums differ.
   */
  static float tolerance(DType dtype) {
    return switch (dtype) {
      case F32 -> 1e-4f;
      case F16 -> 4e-3f;
      default -> 2e-2f;
    };
  }

  /**
   * Runs the first of {@code experts} in every layer, and each in at least one.
   *
   * @throws FailureException INTERNAL if a result is not the reference's
   */
  public void check(LoadedExperts experts) {
    try (WorkerPool alone = new WorkerPool(1)) {
      FeedForwardRunner scalar = new FeedForwardRunner(reference, alone);
      List<Integer> layers = model.architecture().moeLayers();
      int position = 0;
      for (int id : experts.ids()) {
        if (position == 0) {
          for (int layer : layers) {
            check(layer, id, experts, scalar);
          }
        } else {
          int layer = layers.get(position % layers.size());
          check(layer, id, experts, scalar);
        }
        position++;
      }
    }
  }

  private void check(int layer, int id, LoadedExperts experts, FeedForwardRunner scalar) {
    int hidden = model.architecture().hiddenSize();
    FeedForwardWeights weights = model.load(layer, id, reference);
    for (int rows : device.rowCounts()) {
      float[] x = pseudoRandom(layer, rows * hidden);
      float[] out = new float[x.length];
      compute.use(device -> device.forward(List.of(experts.get(layer, id)), new int[]{0, rows}, x, out));
      int compared = Math.min(rows, COMPARED_ROWS);
      float[] expected = new float[compared * hidden];
      float[] sample = new float[expected.length];
      for (int i = 0; i < compared; i++) {
        System.arraycopy(x, sampled(i, compared, rows) * hidden, sample, i * hidden, hidden);
      }
      scalar.forward(List.of(weights), new int[]{0, compared}, sample, expected);
      for (int i = 0; i < compared; i++) {
        int from = sampled(i, compared, rows) * hidden;
        compare(layer, id, rows, Arrays.copyOfRange(out, from, from + hidden),
            Arrays.copyOfRange(expected, i * hidden, (i + 1) * hidden), weights.up().dtype());
      }
    }
  }

  /** Row i of those that are compared: the first, the last, and some between. */
  private static int sampled(int i, int compared, int rows) {
    return compared == 1 ? 0 : i * (rows - 1) / (compared - 1);
  }

  private void compare(int layer, int id, int rows, float[] out, float[] expected, DType dtype) {
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    boolean exact = device.numerics() == Numerics.EXACT;
    for (int i = 0; i < out.length; i++) {
      boolean same = exact
          ? Float.floatToIntBits(out[i]) == Float.floatToIntBits(expected[i])
          : Math.abs(out[i] - expected[i]) <= tolerance(dtype) * largest;
      if (!same) {
        throw new FailureException(FailureCategory.INTERNAL, """
            %s computes another expert %d of layer %d than the reference: of %d rows of %s weights, output %d of one \
            is %s, not %s. This process must not serve; %s.""".formatted(device.name(), id, layer, rows, dtype, i,
            out[i], expected[i], exact
                ? "-Dexpertmesh.kernels=scalar chooses the reference's kernels"
                : "another device or --backend cpu may compute it"));
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

  /** Measures how many rows a second a batch for some of {@code experts} reaches; the best of many runs. */
  public void measure(LoadedExperts experts, Speed speed) {
    List<Integer> ids = experts.ids();
    int count = Math.min(SPEED_EXPERTS, ids.size());
    int[] starts = new int[count + 1];
    int layer = model.architecture().moeLayers().getFirst();
    List<LoadedExpert> active = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      active.add(experts.get(layer, ids.get(i)));
      starts[i + 1] = starts[i] + SPEED_ROWS_EACH;
    }
    int rows = starts[count];
    float[] x = pseudoRandom(0, rows * model.architecture().hiddenSize());
    float[] out = new float[x.length];
    compute.use(device -> {
      long best = Long.MAX_VALUE;
      long took = 0;
      for (int run = 0; took < SPEED_NANOS || (run < SPEED_RUNS && took < MOST_SPEED_NANOS); run++) {
        long start = System.nanoTime();
        device.forward(active, starts, x, out);
        long nanos = System.nanoTime() - start;
        best = Math.min(best, nanos);
        took += nanos;
      }
      speed.measured(rows, best);
    });
  }
}
