package io.expertmesh.simulator.routing;

import java.util.Random;

/**
 * Routing drawn from Zipf's law: the expert of popularity r (from 1) has the weight r^-s, and a token visits top-k
 * different ones, drawn one after the other without putting back (Plackett-Luce, by exponential races).
 */
final class DrawnRouting {
  /** Enough for shares to be near their expectation, for the widest models too. */
  private static final int CHOICES = 4_000_000;
  private static final int MOST_TOKENS = 8192;

  private final int layers;
  private final int experts;
  private final int topK;
  private final Random random;

  DrawnRouting(int layers, int experts, int topK, long seed) {
    this.layers = layers;
    this.experts = experts;
    this.topK = topK;
    this.random = new Random(seed);
  }

  /**
   * One domain.
   *
   * @param aligned whether expert 0 is the most popular one of every layer, so that the load of ids follows the law too;
   *     otherwise each layer has an order of its own
   */
  Routing zipf(String name, double exponent, boolean aligned) {
    return draw(name, new double[]{1}, exponent, aligned ? Order.BY_ID : Order.OF_LAYER);
  }

  /**
   * Several domains, each with an order of its own in each layer: a request belongs to one of them.
   *
   * @param shares of the requests, adding up to 1
   */
  Routing domains(String name, double[] shares, double exponent) {
    return draw(name, shares, exponent, Order.OF_DOMAIN);
  }

  private enum Order {
    /** Ids by popularity. */
    BY_ID,
    /** One for each layer. */
    OF_LAYER,
    /** One for each domain, the same in all layers: a domain's experts are specialists throughout. */
    OF_DOMAIN
  }

  private Routing draw(String name, double[] shares, double exponent, Order order) {
    int tokens = Math.clamp(CHOICES / ((long) layers * experts), 256, MOST_TOKENS);
    short[][] chosen = new short[layers][tokens * topK];
    double end = 0;
    int from = 0;
    for (double share : shares) {
      end += share;
      int to = Math.min(tokens, (int) Math.round(end * tokens));
      int[] byDomain = order == Order.OF_DOMAIN ? permutation() : identity();
      for (int layer = 0; layer < layers; layer++) {
        int[] ids = order == Order.OF_LAYER ? permutation() : byDomain;
        fill(chosen[layer], from, to, weights(ids, exponent));
      }
      from = to;
    }
    return new Routing(name, experts, topK, chosen);
  }

  private double[] weights(int[] byPopularity, double exponent) {
    double[] weights = new double[experts];
    for (int rank = 0; rank < experts; rank++) {
      weights[byPopularity[rank]] = Math.pow(rank + 1, -exponent);
    }
    return weights;
  }

  /** The tokens {@code from} to {@code to} (exclusive): the first top-k to arrive in a race with these speeds. */
  private void fill(short[] chosen, int from, int to, double[] weights) {
    double[] times = new double[topK];
    for (int token = from; token < to; token++) {
      int held = 0;
      for (int expert = 0; expert < experts; expert++) {
        double time = -Math.log(1 - random.nextDouble()) / weights[expert];
        if (held == topK && time >= times[held - 1]) {
          continue;
        }
        int at = held == topK ? held - 1 : held++;
        for (; at > 0 && times[at - 1] > time; at--) {
          times[at] = times[at - 1];
          chosen[token * topK + at] = chosen[token * topK + at - 1];
        }
        times[at] = time;
        chosen[token * topK + at] = (short) expert;
      }
    }
  }

  private int[] identity() {
    int[] ids = new int[experts];
    for (int i = 0; i < experts; i++) {
      ids[i] = i;
    }
    return ids;
  }

  private int[] permutation() {
    int[] ids = identity();
    for (int i = experts - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int id = ids[i];
      ids[i] = ids[j];
      ids[j] = id;
    }
    return ids;
  }
}
