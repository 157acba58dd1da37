package io.expertmesh.engine.decoder;

import io.expertmesh.engine.experts.Combiner;
import io.expertmesh.engine.experts.DispatchPlan;
import io.expertmesh.engine.experts.ExpertCall.LostExpert;
import io.expertmesh.engine.experts.ExpertClient;
import io.expertmesh.engine.kvcache.KvCache;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.architecture.Block;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.DecoderWeights.BlockWeights;
import io.expertmesh.model.decoder.Gate;
import io.expertmesh.model.decoder.RotaryTable;
import io.expertmesh.model.decoder.Routing;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Takes the token rows of a step through all layers. Row by row the result is that of the
 * {@link io.expertmesh.model.decoder.ReferenceDecoder}, whatever else is in the step. One step at a time.
 */
public final class Decoder {
  /** Rows of logits at a time; more would only take memory. */
  private static final int LOGITS_ROWS = 16;

  private final Architecture model;
  private final DecoderWeights weights;
  private final Kernels kernels;
  private final WorkerPool pool;
  private final ExpertClient experts;
  private final Combiner combiner;
  private final ParallelMatmul matmul;
  private final Workspace space;
  private final List<AttentionLayer> attention = new ArrayList<>();
  private final List<Gate> gates = new ArrayList<>();
  private final float[] logits;

  public Decoder(Architecture model, DecoderWeights weights, KvCache cache, Kernels kernels, WorkerPool pool,
      ExpertClient experts) {
    this.model = model;
    this.weights = weights;
    this.kernels = kernels;
    this.pool = pool;
    this.experts = experts;
    this.combiner = new Combiner(kernels, pool);
    this.matmul = new ParallelMatmul(kernels, pool);
    this.space = new Workspace(model, pool.threads());
    this.logits = new float[LOGITS_ROWS * model.vocabularySize()];
    // A sequence can be no longer than the cache, whatever context the model was made for.
    int positions = (int) Math.min(model.contextLength(), (long) cache.totalPages() * cache.pageTokens());
    Map<Attention, RotaryTable> tables = new HashMap<>();
    for (int i = 0; i < model.blocks().size(); i++) {
      Block block = model.blocks().get(i);
      BlockWeights w = weights.blocks().get(i);
      RotaryTable rotary = tables.computeIfAbsent(block.attention(),
          a -> RotaryTable.of(positions, a.headDim(), a.ropeTheta()));
      attention.add(new AttentionLayer(i, block.attention(), w.attention(), rotary, model.normEpsilon(),
          cache.pageTokens(), kernels, pool));
      gates.add(new Gate(block.moe(), w.moe().gate(), kernels));
    }
  }

  /**
   * Runs a step; the sequences' caches then hold its positions, which the caller completes.
   *
   * @return by layer, where each row of the step went
   */
  public List<Routing> run(Step step, StepOutput output) {
    Rows rows = new Rows(step);
    int n = rows.count();
    int h = model.hiddenSize();
    space.fit(n);
    float[] hidden = space.hidden();
    float[] normed = space.normed();
    float[] delta = space.delta();
    forRows(n, row -> kernels.dequantize(weights.embedding(), rows.tokenId(row), hidden, row * h));

    List<Routing> routings = new ArrayList<>(model.blocks().size());
    for (int layer = 0; layer < model.blocks().size(); layer++) {
      BlockWeights w = weights.blocks().get(layer);
      norm(n, w.attentionNorm());
      attention.get(layer).forward(rows, normed, space, delta);
      forRows(n, row -> kernels.addScaled(hidden, row * h, delta, row * h, 1f, h));
      norm(n, w.moeNorm());
      routings.add(mixture(layer, n));
      forRows(n, row -> kernels.addScaled(hidden, row * h, delta, row * h, 1f, h));
    }
    logits(rows, output);
    return routings;
  }

  /** delta = the layer's weighted experts of the normalised rows. */
  private Routing mixture(int layer, int n) {
    Gate gate = gates.get(layer);
    Routing routing = gate.newRouting(n);
    forRows(n, row -> gate.route(space.normed(), row, routing));
    DispatchPlan plan = DispatchPlan.of(routing, model.blocks().get(layer).moe().experts());
    float[] outputs = space.expertOutputs(plan.rows());
    List<LostExpert> lost = experts.forward(layer, plan, space.normed(), outputs).await();
    if (!lost.isEmpty()) {
      throw new FailureException(FailureCategory.UNAVAILABLE, lost.getFirst().reason());
    }
    combiner.combine(plan, routing, outputs, model.hiddenSize(), space.delta());
    return routing;
  }

  /** Final norm and output matrix for the rows that want logits. */
  private void logits(Rows rows, StepOutput output) {
    int h = model.hiddenSize();
    int[] batch = new int[LOGITS_ROWS];
    int filled = 0;
    for (int row = 0; row < rows.count(); row++) {
      if (rows.wantsLogits(row)) {
        kernels.rmsNorm(space.hidden(), row * h, weights.finalNorm(), model.normEpsilon(), space.normed(), filled * h);
        batch[filled++] = row;
      }
      if (filled == LOGITS_ROWS || (filled > 0 && row == rows.count() - 1)) {
        matmul.multiply(weights.output(), space.normed(), filled, logits);
        for (int i = 0; i < filled; i++) {
          output.logits(rows.chunk(batch[i]), rows.position(batch[i]), logits, i * model.vocabularySize());
        }
        filled = 0;
      }
    }
  }

  private void norm(int n, float[] weight) {
    int h = model.hiddenSize();
    forRows(n, row -> kernels.rmsNorm(space.hidden(), row * h, weight, model.normEpsilon(), space.normed(), row * h));
  }

  private interface RowTask {
    void run(int row);
  }

  private void forRows(int n, RowTask task) {
    pool.ranges(n, 4, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        task.run(row);
      }
    });
  }
}
