package io.expertmesh.model.architecture;

/**
 * How many tokens of one prompt (or of an encoder's input) an expert takes. All first choices come before all second ones; a choice that finds its
 * expert full is dropped: it has no effect, but counts.
 *
 * <p>Each generated token is a pass of its own, in which nothing is dropped.
 */
public sealed interface Capacity {
  /** Tokens that each expert takes of a prompt of {@code tokens} tokens; at least 1. */
  int of(int tokens, int experts, int topK);

  /** The same for every prompt: Switch Transformers. */
  record Fixed(int tokens) implements Capacity {
    @Override
    public int of(int promptTokens, int experts, int topK) {
      return tokens;
    }
  }

  /** This part of the prompt, rounded up: NLLB-MoE. */
  record Part(double fraction) implements Capacity {
    @Override
    public int of(int tokens, int experts, int topK) {
      return (int) Math.ceil(fraction * tokens);
    }
  }

  /**
   * What a limit does.
   *
   * @param byScore whether tokens come in the order of their first choice's score, the highest first, or as they stand
   *     in the prompt
   * @param renormalize whether what is left of a token's weights takes over the weight of what was dropped
   */
  record Overflow(boolean byScore, boolean renormalize) {
    public static final Overflow PLAIN = new Overflow(false, false);
  }

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
