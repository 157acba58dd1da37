package io.expertmesh.expert;

import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.family.ModelExperts;
import io.expertmesh.proto.v1.DType;
import io.expertmesh.proto.v1.ExpertBatch;
import io.expertmesh.transport.TensorBytes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** A batch for the demo model, and what must come of it. */
record TestBatch(ExpertBatch message, float[] hidden, float[] expected) {
  static final Path DEMO = Path.of("../models/demo");
  static final int HIDDEN = 192;
  static final int LAYERS = 4;
  static final ModelExperts MODEL = ModelExperts.of(Checkpoint.open(DEMO), new ScalarKernels());

  /** Rows of random tokens for some of {@code held}. */
  static TestBatch random(SplittableRandom random, long id, List<Integer> held, int maxTokens) {
    int tokens = random.nextInt(1, maxTokens + 1);
    float[] hidden = new float[tokens * HIDDEN];
    for (int i = 0; i < hidden.length; i++) {
      hidden[i] = (float) (random.nextDouble() * 4 - 2);
    }
    int layer = random.nextInt(LAYERS);
    ExpertBatch.Builder batch = ExpertBatch.newBuilder().setId(id).setLayer(layer).addStarts(0)
        .setHidden(TensorBytes.pack(IntStream.range(0, tokens).toArray(), hidden, HIDDEN, DType.D_TYPE_F32));
    List<Integer> ids = new ArrayList<>(held);
    while (ids.size() > 1 && random.nextBoolean()) {
      ids.remove(/* index */ random.nextInt(ids.size()));
    }
    for (int expert : ids) {
      for (int token = 0; token < tokens; token++) {
        if (token == tokens - 1 || expert == ids.getFirst() || random.nextBoolean()) {
          batch.addTokens(token);
        }
      }
      batch.addExpertIds(expert).addStarts(batch.getTokensCount());
    }
    return new TestBatch(batch.build(), hidden, expected(MODEL, batch.build(), hidden));
  }

  /** What must come of it where experts are held in other types. */
  float[] expected(ModelExperts held) {
    return expected(held, message, hidden);
  }

  /** Row by row, with the reference's kernels. */
  private static float[] expected(ModelExperts model, ExpertBatch batch, float[] hidden) {
    float[] all = new float[batch.getTokensCount() * HIDDEN];
    float[] x = new float[HIDDEN];
    float[] out = new float[HIDDEN];
    try (WorkerPool pool = new WorkerPool(1)) {
      FeedForwardRunner runner = new FeedForwardRunner(new ScalarKernels(), pool);
      for (int i = 0; i < batch.getExpertIdsCount(); i++) {
        var expert = model.load(batch.getLayer(), batch.getExpertIds(i), new ScalarKernels());
        for (int row = batch.getStarts(i); row < batch.getStarts(i + 1); row++) {
          System.arraycopy(hidden, batch.getTokens(row) * HIDDEN, x, 0, HIDDEN);
          runner.forward(List.of(expert), new int[]{0, 1}, x, out);
          System.arraycopy(out, 0, all, row * HIDDEN, HIDDEN);
        }
      }
    }
    return all;
  }
}
