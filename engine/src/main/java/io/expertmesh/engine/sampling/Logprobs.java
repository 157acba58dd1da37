package io.expertmesh.engine.sampling;

import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.kernels.ExactMath;
import io.expertmesh.kernels.TopK;
import java.util.ArrayList;
import java.util.List;

/** Log-probabilities from raw logits. */
public final class Logprobs {
  private Logprobs() {}

  /**
   * The entry for {@code tokenId}.
   *
   * @param alternatives how many of the most likely tokens to list
   */
  public static TokenLogprobs of(float[] logits, int offset, int vocabulary, int tokenId, int alternatives) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabulary; i++) {
      max = Math.max(max, logits[offset + i]);
    }
    double sum = 0;
    int rank = 0;
    float own = logits[offset + tokenId];
    for (int i = 0; i < vocabulary; i++) {
      float logit = logits[offset + i];
      sum += ExactMath.exp(logit - max);
      if (logit > own || (logit == own && i < tokenId)) {
        rank++;
      }
    }
    double logSum = max + StrictMath.log(sum);
    int[] best = new int[Math.min(alternatives, vocabulary)];
    TopK.select(logits, offset, vocabulary, best);
    List<TokenLogprobs.Alternative> top = new ArrayList<>(best.length);
    for (int id : best) {
      top.add(new TokenLogprobs.Alternative(id, (float) (logits[offset + id] - logSum)));
    }
    return new TokenLogprobs(tokenId, (float) (own - logSum), rank, top);
  }
}
