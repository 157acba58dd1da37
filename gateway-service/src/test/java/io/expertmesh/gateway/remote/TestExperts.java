package io.expertmesh.gateway.remote;

import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.engine.experts.LocalExperts;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.decoder.LayerExperts;
import io.expertmesh.model.decoder.Routing;
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.family.ModelExperts;
import io.expertmesh.model.family.ModelFingerprint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** The demo model's experts, and layers of work for them. */
final class TestExperts {
  static final int EXPERTS = 16;
  static final int LAYERS = 4;
  static final int HIDDEN = 192;
  static final ModelFingerprint FINGERPRINT;
  private static final int TOP_K = 4;
  private static final Kernels KERNELS = KernelSelection.kernels();
  private static final BoundModel MODEL;

  static {
    SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(Path.of("../models/demo"));
    MODEL = BoundModel.of(checkpoint, KERNELS);
    FINGERPRINT = ModelFingerprint.of(ModelExperts.of(checkpoint, KERNELS), KERNELS.numerics(), Numerics.EXACT, null);
  }

  private TestExperts() {}

  /** One layer's work. */
  record Work(int layer, DispatchPlan plan, float[] hidden, float[] expected) {
    /** Random tokens, each for four random experts. */
    static Work random(SplittableRandom random, int tokens) {
      int[] expertIds = new int[tokens * TOP_K];
      for (int token = 0; token < tokens; token++) {
        int first = random.nextInt(EXPERTS);
        int step = 1 + 2 * random.nextInt(4); // odd, so that four steps never meet
        for (int rank = 0; rank < TOP_K; rank++) {
          expertIds[token * TOP_K + rank] = (first + rank * step) % EXPERTS;
        }
      }
      return of(random, expertIds);
    }

    /** Random tokens, all for these four experts. */
    static Work alike(SplittableRandom random, int tokens, int... experts) {
      int[] expertIds = new int[tokens * TOP_K];
      for (int i = 0; i < expertIds.length; i++) {
        expertIds[i] = experts[i % TOP_K];
      }
      return of(random, expertIds);
    }

    private static Work of(SplittableRandom random, int[] expertIds) {
      int tokens = expertIds.length / TOP_K;
      Routing routing = new Routing(tokens, TOP_K, expertIds, new float[expertIds.length]);
      Arrays.fill(routing.weights(), 1f);
      float[] hidden = new float[tokens * HIDDEN];
      for (int i = 0; i < hidden.length; i++) {
        hidden[i] = (float) random.nextGaussian();
      }
      int layer = random.nextInt(LAYERS);
      DispatchPlan plan = DispatchPlan.of(routing, EXPERTS);
      float[] expected = new float[plan.rows() * HIDDEN];
      try (WorkerPool pool = new WorkerPool(1)) {
        new LocalExperts(MODEL.weights(), HIDDEN, new FeedForwardRunner(KERNELS, pool), pool)
            .forward(layer, plan, hidden, expected).await();
      }
      return new Work(layer, plan, hidden, expected);
    }

    float[] newOutputs() {
      return new float[expected.length];
    }
  }

  /** outputs (rows, hidden) of experts with rows starts[i] to starts[i + 1] of {@code rows} (rows, hidden). */
  static synchronized float[] compute(int layer, List<Integer> ids, int[] starts, float[] rows) {
    LayerExperts all = MODEL.weights().experts(layer);
    List<FeedForwardWeights> active = new ArrayList<>();
    ids.forEach(id -> active.add(all.get(id)));
    float[] outputs = new float[rows.length];
    try (WorkerPool pool = new WorkerPool(1)) {
      new FeedForwardRunner(KERNELS, pool).forward(active, starts, rows, outputs);
    }
    return outputs;
  }
}
