package io.expertmesh.simulator.routing;

import java.util.random.RandomGenerator;

/**
 * The choices of a run of tokens, which requests walk along from where they begin, back at the first after the last.
 * Tokens that are near each other here come from one request, or at least from one domain.
 */
public final class Routing {
  private final String name;
  private final int experts;
  private final int topK;
  private final int tokens;
  /** By layer: the experts of token t from {@code t * topK} on; -1 where an assignment was dropped. */
  private final short[][] chosen;

  /** @param chosen by layer, {@code topK} for each token */
  Routing(String name, int experts, int topK, short[][] chosen) {
    this.name = name;
    this.experts = experts;
    this.topK = topK;
    this.chosen = chosen;
    this.tokens = chosen[0].length / topK;
  }

  /** What it is, for people. */
  public String name() {
    return name;
  }

  public int layers() {
    return chosen.length;
  }

  public int experts() {
    return experts;
  }

  public int topK() {
    return topK;
  }

  public int tokens() {
    return tokens;
  }

  /** The expert of {@code token} in {@code layer} at {@code rank}; -1 if that assignment was dropped. */
  public int expert(int layer, int token, int rank) {
    return chosen[layer][token * topK + rank];
  }

  /** Where a request begins. */
  public int start(RandomGenerator random) {
    return random.nextInt(tokens);
  }

  /** For each layer and expert, the share of tokens that visit it. A layer's shares add up to top-k. */
  public double[][] shares() {
    double[][] shares = new double[chosen.length][experts];
    for (int layer = 0; layer < chosen.length; layer++) {
      for (short expert : chosen[layer]) {
        if (expert >= 0) {
          shares[layer][expert] += 1.0 / tokens;
        }
      }
    }
    return shares;
  }
}
