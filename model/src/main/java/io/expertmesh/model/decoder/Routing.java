package io.expertmesh.model.decoder;

/**
 * Where the gate of one layer sends its tokens.
 *
 * @param tokens number of tokens
 * @param topK experts per token
 * @param expertIds (tokens, topK), best first
 * @param weights (tokens, topK), what each expert's output counts; an assignment of weight 0 is not computed
 * @param scores (tokens), the score of each token's first choice among all
 */
public record Routing(int tokens, int topK, int[] expertIds, float[] weights, float[] scores) {
  public Routing(int tokens, int topK, int[] expertIds, float[] weights) {
    this(tokens, topK, expertIds, weights, new float[tokens]);
  }

  /** With arrays of its own. */
  public Routing copy() {
    return new Routing(tokens, topK, expertIds.clone(), weights.clone(), scores.clone());
  }
}
