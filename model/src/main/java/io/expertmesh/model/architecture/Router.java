package io.expertmesh.model.architecture;

import org.jspecify.annotations.Nullable;

/**
 * How a token's experts and their weights follow from its logits, one per expert.
 *
 * @param bias whether the logits have a bias
 * @param correctionBias whether experts are chosen by {@code score + correction}; weights are the scores themselves
 * @param groups only the experts of the best groups can be chosen; null for all
 * @param normalize whether the weights are divided by their sum
 * @param scale factor of the weights
 * @param capacity of the experts; null for no limit
 * @param overflow what happens beyond it
 * @param tolerance of {@link Scoring#SPARSE_MIXER}; 0 for all others
 */
public record Router(Scoring scoring, boolean bias, boolean correctionBias, @Nullable Groups groups, boolean normalize,
    float scale, @Nullable Capacity capacity, Capacity.Overflow overflow, float tolerance) {
  /** Without a capacity. */
  public Router(Scoring scoring, boolean bias, boolean correctionBias, @Nullable Groups groups, boolean normalize,
      float scale) {
    this(scoring, bias, correctionBias, groups, normalize, scale, null, Capacity.Overflow.PLAIN, 0f);
  }

  /** What turns logits into scores. */
  public enum Scoring {
    /** Softmax over all experts. */
    SOFTMAX,
    /** Softmax over the chosen experts alone; they are chosen by their logits. */
    SOFTMAX_OF_CHOSEN,
    /**
     * One expert after the other, by its logit: its weight is its part in a softmax over those that are not chosen yet
     * and whose logit {@code s} is near its own logit {@code m}: {@code (m - s) / max(|s|, m) <= tolerance}.
     */
    SPARSE_MIXER,
    /** The logistic function of each. */
    SIGMOID
  }

  /**
   * Groups of as many neighbouring experts each.
   *
   * @param count how many there are
   * @param chosen how many of them a token may use
   * @param best a group counts as much as the sum of its {@code best} highest selection scores
   */
  public record Groups(int count, int chosen, int best) {}

  /** Softmax over all experts, then the k best. */
  public static Router softmax(boolean normalize) {
    return new Router(Scoring.SOFTMAX, false, false, null, normalize, 1f);
  }

  public Router withCapacity(Capacity limit) {
    return withCapacity(limit, Capacity.Overflow.PLAIN);
  }

  public Router withCapacity(Capacity limit, Capacity.Overflow beyond) {
    return new Router(scoring, bias, correctionBias, groups, normalize, scale, limit, beyond,
        tolerance);
  }

  /** {@link Scoring#SPARSE_MIXER}; arXiv 2409.12136. */
  public static Router sparseMixer(float tolerance) {
    return new Router(Scoring.SPARSE_MIXER, false, false, null, false, 1f, null, Capacity.Overflow.PLAIN, tolerance);
  }

  /** The k best logits, then softmax over these. */
  public static Router softmaxOfChosen(boolean bias) {
    return new Router(Scoring.SOFTMAX_OF_CHOSEN, bias, false, null, false, 1f);
  }
}
