package io.expertmesh.model.architecture;

/**
 * How many tokens of one prompt an expert takes. All first choices come before all second ones, in token order; a choice
 * that finds its expert full is dropped: it has no effect, and the token's other choices keep their weights.
 *
 * <p>Each generated token is a pass of its own, in which nothing is dropped.
 */
public sealed interface Capacity {
  /** Tokens that each expert takes of a prompt of {@code tokens} tokens; at least 1. */
  int of(int tokens, int experts, int topK);

  /**
   * An even share of the choices times {@code factor}, rounded down, then up to an even number: OpenMoE.
   *
   * @param minimum never less than this
   */
  record EvenShare(double factor, int minimum) implements Capacity {
    @Override
    public int of(int tokens, int experts, int topK) {
      // In double and in this order, as the authors' code computes it.
      long share = (long) (topK * factor * tokens / experts);
      return Math.clamp(share + share % 2, minimum, Integer.MAX_VALUE);
    }
  }
}
