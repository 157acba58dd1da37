package io.expertmesh.engine.sampling;

import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.constraint.TokenConstraint;
import java.util.BitSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Chooses the tokens of one answer. Its state is what it has seen and its random numbers; not thread-safe. */
public final class Sampler {
  private final SamplingParameters parameters;
  private final Set<Integer> endTokens;
  private final @Nullable TokenConstraint constraint;
  private final SplittableRandom random;
  private final int vocabulary;
  private final BitSet seen = new BitSet();
  private int[] answerCounts = new int[0];
  private float[] logits = new float[0];

  /**
   * @param promptIds count as seen for the repetition penalty
   * @param endTokens allowed wherever the constraint lets the answer end
   */
  public Sampler(SamplingParameters parameters, int[] promptIds, Set<Integer> endTokens,
      @Nullable TokenConstraint constraint, int vocabulary) {
    this.parameters = parameters;
    this.endTokens = endTokens;
    this.constraint = constraint;
    this.vocabulary = vocabulary;
    Long seed = parameters.seed();
    this.random = seed == null ? new SplittableRandom() : new SplittableRandom(seed);
    for (int id : promptIds) {
      seen.set(id);
    }
  }

  private boolean countsTokens() {
    return parameters.presencePenalty() != 0 || parameters.frequencyPenalty() != 0;
  }

  /** Whether the constraint leaves nothing to choose: the answer is complete. */
  public boolean complete() {
    return constraint != null && constraint.mayEnd() && constraint.allowed().isEmpty();
  }

  /**
   * Chooses the next token and remembers it.
   *
   * @param rawLogits read only, from {@code offset} on
   * @throws IllegalStateException if no token has a logit above negative infinity: the model or the constraint is broken
   */
  public int next(float[] rawLogits, int offset) {
    if (logits.length == 0) { // a request that waits in the queue needs no room for them
      logits = new float[vocabulary];
      answerCounts = countsTokens() ? new int[vocabulary] : answerCounts;
    }
    System.arraycopy(rawLogits, offset, logits, 0, vocabulary);
    for (Map.Entry<Integer, Float> bias : parameters.logitBias().entrySet()) {
      logits[bias.getKey()] += bias.getValue();
    }
    if (constraint != null) {
      mask(constraint);
    }
    penalize();
    int id = parameters.temperature() == 0 ? mostLikely() : draw();
    seen.set(id);
    if (countsTokens()) {
      answerCounts[id]++;
    }
    if (constraint != null && !(endTokens.contains(id) && !constraint.allowed().get(id))) {
      constraint.accept(id);
    }
    return id;
  }

  private void mask(TokenConstraint active) {
    BitSet allowed = active.allowed();
    boolean mayEnd = active.mayEnd();
    for (int i = 0; i < vocabulary; i++) {
      if (!allowed.get(i) && !(mayEnd && endTokens.contains(i))) {
        logits[i] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  private void penalize() {
    float repetition = parameters.repetitionPenalty();
    if (repetition != 1) {
      for (int i = seen.nextSetBit(0); i >= 0; i = seen.nextSetBit(i + 1)) {
        logits[i] = logits[i] > 0 ? logits[i] / repetition : logits[i] * repetition;
      }
    }
    for (int i = 0; i < answerCounts.length; i++) {
      if (answerCounts[i] > 0) {
        logits[i] -= parameters.presencePenalty() + answerCounts[i] * parameters.frequencyPenalty();
      }
    }
  }

  private int mostLikely() {
    int best = -1;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabulary; i++) {
      if (logits[i] > max) {
        max = logits[i];
        best = i;
      }
    }
    if (best < 0) {
      throw nothingToChoose();
    }
    return best;
  }

  private int draw() {
    Candidates candidates = new Candidates(logits, parameters.temperature());
    if (candidates.isEmpty()) {
      throw nothingToChoose();
    }
    candidates.cut(parameters.topK(), parameters.topP(), parameters.minP());
    return candidates.at(random.nextDouble());
  }

  private static IllegalStateException nothingToChoose() {
    return new IllegalStateException("no token has a logit above negative infinity");
  }
}
