package io.expertmesh.engine.decoder;

import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.decoder.ParallelMatmul.Product;
import io.expertmesh.engine.experts.ExpertClient;
import io.expertmesh.engine.kvcache.KvCache;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.SinusoidalPositions;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.Norms;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Takes the token rows of a step through all layers, and a request's input through the encoder before. Row by row the
 * result is that of the {@link io.expertmesh.model.decoder.ReferenceDecoder}, whatever else is in the step. One step at a
 * time.
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
  private final KvCache cache;
  private final List<Stage> stages;
  private final List<Stage> encoderStages;
  private final @Nullable InputEncoder encoder;
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
    this.cache = cache;
    this.stages = Stage.of(model, weights, experts, model.firstDecoderBlock(), model.blocks().size(), positions,
        cache.pageTokens(), kernels, pool);
    this.encoderStages = Stage.of(model, weights, experts, 0, model.firstDecoderBlock(), positions,
        cache.pageTokens(), kernels, pool);
    this.encoder = model.encoder() == null ? null : new InputEncoder(model, weights, kernels, pool);
  }

  /**
   * Takes a request's input through the encoder, all of it at once.
   *
   * @param policy what happens when experts of its tokens are missing
   * @throws io.expertmesh.model.failure.FailureException if it cannot be computed
   */
  public Encoding encode(int[] tokenIds, UnavailablePolicy policy) {
    InputEncoder end = Objects.requireNonNull(encoder, "the model has no encoder");
    Step step = new Step(List.of(new Step.Chunk(cache.newUnsharedSequence(), tokenIds, tokenIds.length, 0,
        tokenIds.length, tokenIds.length, null, policy)));
    MissingExperts policies = new MissingExperts(step, experts::sleeping);
    Part part = new Part(step, new Rows(step, 0, tokenIds.length), space(0));
    layers(encoderStages, List.of(part), policies);
    ChunkOutcome outcome = policies.outcomes().getFirst();
    return policies.allStopped()
        ? new Encoding(List.of(), outcome, null)
        : new Encoding(part.routings(), outcome, end.finish(part));
  }

  /**
   * Runs a step. The caches of the chunks that are computed then hold its positions, which the caller completes.
   *
   * @throws io.expertmesh.model.failure.FailureException if the step cannot be computed, for all of its chunks
   */
  public StepResult run(Step step, StepOutput output) {
    List<Part> parts = split(step);
    MissingExperts policies = new MissingExperts(step, experts::sleeping);
    layers(stages, parts, policies);
    if (policies.allStopped()) {
      return new StepResult(List.of(), policies.outcomes());
    }
    for (Part part : parts) {
      logits(part, policies, output);
    }
    return new StepResult(StepResult.join(parts.stream().map(Part::routings).toList()), policies.outcomes());
  }

  /**
   * Cuts a step into runs of about as many rows; a chunk that is cut finds its earlier keys in its cache. Prompts stay
   * whole if the model wants them so.
   */
  private List<Part> split(Step step) {
    int rows = step.rows();
    int count = Math.clamp(rows / partRows, 1, experts.microBatches());
    List<Part> parts = new ArrayList<>(count);
    int from = 0;
    for (int i = 1; i <= count; i++) {
      int to = rows * i / count;
      if (model.wholePrompts()) {
        to = step.borderNear(to);
      }
      if (to > from) {
        parts.add(new Part(step, new Rows(step, from, to), space(parts.size())));
        from = to;
      }
    }
    return parts;
  }

  private Workspace space(int index) {
    if (index == spaces.size()) {
      spaces.add(new Workspace(model, pool.threads()));
    }
    return spaces.get(index);
  }

  private void layers(List<Stage> stages, List<Part> parts, MissingExperts policies) {
    try {
      run(stages, parts, policies);
    } catch (RuntimeException | Error failure) {
      parts.forEach(Part::abandon);
      throw failure;
    }
  }

  private void run(List<Stage> stages, List<Part> parts, MissingExperts policies) {
    parts.forEach(this::embed);
    Stage.Mixture atWork = null;
    for (Stage stage : stages) {
      for (Part part : parts) {
        if (atWork != null) {
          atWork.finish(part, policies); // meanwhile the other parts' experts are at work
        }
        stage.run(part, policies);
      }
      if (policies.allStopped()) {
        parts.forEach(Part::abandon);
        return;
      }
      atWork = stage.mixture();
    }
  }

  private void embed(Part part) {
    int h = model.hiddenSize();
    float[] hidden = part.space().hidden();
    SinusoidalPositions positions = model.positions();
    pool.ranges(part.count(), 4, (from, to, worker) -> {
      for (int row = from; row < to; row++) {
        kernels.dequantize(weights.embedding(), part.rows().tokenId(row), hidden, row * h);
        scale(hidden, row * h, h, model.embeddingScale());
        if (positions != null) {
          positions.add(part.rows().position(positions, row), hidden, row * h, h);
        }
      }
    });
  }

  private static void scale(float[] x, int offset, int length, float factor) {
    if (factor != 1f) {
      for (int i = offset; i < offset + length; i++) {
        x[i] *= factor;
      }
    }
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
        Norms.apply(kernels, model.finalNorm(), weights.finalNorm(), space.hidden(), row * h, space.normed(),
            filled * h);
        batch[filled++] = row;
      }
      if (filled == LOGITS_ROWS || (filled > 0 && row == rows.count() - 1)) {
        matmul.multiply(space.normed(), filled, new Product(weights.output(), weights.outputBias(), logits));
        scale(logits, 0, filled * model.vocabularySize(), model.logitScale());
        for (int i = 0; i < filled; i++) {
          output.logits(rows.chunk(batch[i]), rows.position(batch[i]), logits, i * model.vocabularySize());
        }
        filled = 0;
      }
    }
  }
}
