package io.expertmesh.engine.decoder;

import io.expertmesh.engine.experts.Combiner;
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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Takes the token rows of a step through all layers. Row by row the result is that of the
 * {@link io.expertmesh.model.decoder.ReferenceDecoder}, whatever else is in the step. One step at a time.
 *
 * <p>Where experts are elsewhere, a large step goes in parts: the attention of one is computed while the experts of the
 * other are at work.
 */
public final class Decoder {
  /** Rows of logits at a time; more would only take memory. */
  private static final int LOGITS_ROWS = 16;

  private final Architecture model;
  private final DecoderWeights weights;
  private final Kernels kernels;
  private final WorkerPool pool;
  private final ExpertClient experts;
  private final int partRows;
  private final ParallelMatmul matmul;
  private final List<Workspace> spaces = new ArrayList<>();
  private final List<AttentionLayer> attention = new ArrayList<>();
  private final List<MixtureLayer> mixtures = new ArrayList<>();
  private final float[] logits;

  /**
   * @param partRows rows that each part of a step has at least; smaller steps stay whole
   */
  public Decoder(Architecture model, DecoderWeights weights, KvCache cache, Kernels kernels, WorkerPool pool,
      ExpertClient experts, int partRows) {
    this.model = model;
    this.weights = weights;
    this.kernels = kernels;
    this.pool = pool;
    this.experts = experts;
    this.partRows = partRows;
    this.matmul = new ParallelMatmul(kernels, pool);
    this.logits = new float[LOGITS_ROWS * model.vocabularySize()];
    // A sequence can be no longer than the cache, whatever context the model was made for.
    int positions = (int) Math.min(model.contextLength(), (long) cache.totalPages() * cache.pageTokens());
    Map<Attention, RotaryTable> tables = new HashMap<>();
    Combiner combiner = new Combiner(kernels, pool);
    for (int i = 0; i < model.blocks().size(); i++) {
      Block block = model.blocks().get(i);
      BlockWeights w = weights.blocks().get(i);
      RotaryTable rotary = tables.computeIfAbsent(block.attention(),
          a -> RotaryTable.of(positions, a.headDim(), a.ropeTheta()));
      attention.add(new AttentionLayer(i, block.attention(), w.attention(), rotary, model.normEpsilon(),
          cache.pageTokens(), kernels, pool));
      Gate gate = new Gate(block.moe(), w.moe().gate(), kernels);
      mixtures.add(new MixtureLayer(i, block.moe(), gate, experts, combiner, pool, model.hiddenSize()));
    }
  }

  /**
   * Runs a step. The caches of the chunks that are computed then hold its positions, which the caller completes.
   *
   * @throws io.expertmesh.model.failure.FailureException if the step cannot be computed, for all of its chunks
   */
  public StepResult run(Step step, StepOutput output) {
    List<Part> parts = split(step);
    MissingExperts policies = new MissingExperts(step);
    try {
      layers(parts, policies);
    } catch (RuntimeException | Error failure) {
      parts.forEach(Part::abandon);
      throw failure;
    }
    if (policies.allStopped()) {
      return new StepResult(List.of(), policies.outcomes());
    }
    for (Part part : parts) {
      logits(part, policies, output);
    }
    return new StepResult(StepResult.join(parts.stream().map(Part::routings).toList()), policies.outcomes());
  }

  /** Cuts a step into runs of about as many rows; a chunk that is cut finds its earlier keys in its cache. */
  private List<Part> split(Step step) {
    int rows = step.rows();
    int count = Math.clamp(rows / partRows, 1, experts.microBatches());
    List<Part> parts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      if (i == spaces.size()) {
        spaces.add(new Workspace(model, pool.threads()));
      }
      parts.add(new Part(new Rows(step, rows * i / count, rows * (i + 1) / count), spaces.get(i)));
    }
    return parts;
  }

  private void layers(List<Part> parts, MissingExperts policies) {
    parts.forEach(this::embed);
    for (int layer = 0; layer < mixtures.size(); layer++) {
      for (Part part : parts) {
        if (layer > 0) {
          mix(layer - 1, part, policies); // meanwhile the other parts' experts are at work
        }
        attend(layer, part);
        norm(part, weights.blocks().get(layer).moeNorm());
        mixtures.get(layer).start(part, policies);
      }
      if (policies.allStopped()) {
        parts.forEach(Part::abandon);
        return;
      }
    }
    for (Part part : parts) {
      mix(mixtures.size() - 1, part, policies);
    }
  }

  private void embed(Part part) {
    forRows(part, row -> kernels.dequantize(weights.embedding(), part.rows().tokenId(row), part.space().hidden(),
        row * model.hiddenSize()));
  }

  /** x += attention(norm(x)). */
  private void attend(int layer, Part part) {
    norm(part, weights.blocks().get(layer).attentionNorm());
    attention.get(layer).forward(part.rows(), part.space().normed(), part.space(), part.space().delta());
    addDelta(part);
  }

  /** x += mixture(norm(x)), whose first half {@link MixtureLayer#start} was. */
  private void mix(int layer, Part part, MissingExperts policies) {
    mixtures.get(layer).finish(part, policies);
    addDelta(part);
  }

  /** Final norm and output matrix for the rows that want logits. */
  private void logits(Part part, MissingExperts policies, StepOutput output) {
    int h = model.hiddenSize();
    Rows rows = part.rows();
    Workspace space = part.space();
    int[] batch = new int[LOGITS_ROWS];
    int filled = 0;
    for (int row = 0; row < rows.count(); row++) {
      if (rows.wantsLogits(row) && !policies.stopped(rows.chunk(row))) {
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

  private void norm(Part part, float[] weight) {
    int h = model.hiddenSize();
    float[] hidden = part.space().hidden();
    float[] normed = part.space().normed();
    forRows(part, row -> kernels.rmsNorm(hidden, row * h, weight, model.normEpsilon(), normed, row * h));
  }

  private void addDelta(Part part) {
    int h = model.hiddenSize();
    float[] hidden = part.space().hidden();
    float[] delta = part.space().delta();
    forRows(part, row -> kernels.addScaled(hidden, row * h, delta, row * h, 1f, h));
  }

  private interface RowTask {
    void run(int row);
  }

  private void forRows(Part part, RowTask task) {
    pool.ranges(part.count(), 4, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        task.run(row);
      }
    });
  }
}
