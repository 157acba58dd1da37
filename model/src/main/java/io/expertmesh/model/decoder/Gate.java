package io.expertmesh.model.decoder;

import io.expertmesh.kernels.ExactMath;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.TopK;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.architecture.Router;
import io.expertmesh.model.architecture.Router.Scoring;
import io.expertmesh.model.decoder.DecoderWeights.GateWeights;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The router of a mixture-of-experts layer: scores, then the k best. */
public final class Gate {
  /** What DeepSeek adds to a sum that it divides by; too little to change any but a sum of scores that are all 0. */
  private static final float SMALLEST_SUM = 1e-20f;

  private final MixtureOfExperts moe;
  private final Router router;
  private final GateWeights weights;
  private final Kernels kernels;

  public Gate(MixtureOfExperts moe, GateWeights weights, Kernels kernels) {
    this.moe = moe;
    this.router = moe.router();
    this.weights = weights;
    this.kernels = kernels;
  }

  /** A routing for {@code tokens} tokens whose rows {@link #route} fills. */
  public Routing newRouting(int tokens) {
    return new Routing(tokens, moe.topK(), new int[tokens * moe.topK()], new float[tokens * moe.topK()]);
  }

  /**
   * Routes token {@code token}; different tokens may be routed by different threads.
   *
   * @param hidden (tokens, hidden), normalised
   */
  public void route(float[] hidden, int token, Routing routing) {
    route(hidden, token, Set.of(), routing);
  }

  /**
   * Routes token {@code token} to the best of the experts that are not {@code missing}, by the same scores. If there
   * are fewer than the token needs, the rest of its assignments has weight 0; if there are none, all weights are 0 or
   * NaN.
   */
  public void route(float[] hidden, int token, Set<Integer> missing, Routing routing) {
    float[] scores = scores(hidden, token);
    int[] best = new int[moe.topK()];
    float[] selection = selection(scores, missing);
    TopK.select(selection, 0, moe.experts(), best);
    float[] chosen = new float[best.length];
    for (int rank = 0; rank < best.length; rank++) {
      boolean selectable = selection[best[rank]] != Float.NEGATIVE_INFINITY;
      chosen[rank] = selectable ? scores[best[rank]] : none();
      if (selectable && router.scoring() == Scoring.SPARSE_MIXER) {
        chosen[rank] = partAmongNear(scores, selection, best[rank]);
        selection[best[rank]] = Float.NEGATIVE_INFINITY;
      }
    }
    routing.scores()[token] = chosen[0];
    if (router.scoring() == Scoring.SOFTMAX_OF_CHOSEN) {
      kernels.softmax(chosen, 0, chosen.length);
    }
    float divisor = router.normalize() ? sum(chosen) + SMALLEST_SUM : 1f;
    int at = token * moe.topK();
    for (int rank = 0; rank < best.length; rank++) {
      routing.expertIds()[at + rank] = best[rank];
      routing.weights()[at + rank] = chosen[rank] / divisor * router.scale();
    }
  }

  /**
   * Drops what the router's capacity does not admit, if it has one: such an assignment keeps its expert and has weight 0.
   *
   * @param from the first row of a prompt, all of which is routed
   * @param to the end of the prompt (exclusive)
   */
  public void limit(Routing routing, int from, int to) {
    if (router.capacity() == null) {
      return;
    }
    int capacity = router.capacity().of(to - from, moe.experts(), moe.topK());
    float[] before = new float[to - from];
    for (int token = from; token < to; token++) {
      before[token - from] = weightOf(routing, token);
    }
    int[] order = order(routing, from, to);
    int[] asked = new int[moe.experts()]; // dropped choices count too
    for (int rank = 0; rank < moe.topK(); rank++) {
      for (int token : order) {
        int i = token * moe.topK() + rank;
        if (asked[routing.expertIds()[i]]++ >= capacity) {
          routing.weights()[i] = 0f;
        }
      }
    }
    if (router.overflow().renormalize()) {
      for (int token = from; token < to; token++) {
        renormalize(routing, token, before[token - from]);
      }
    }
  }

  /** The tokens of a prompt, those that get their choice first before others. */
  private int[] order(Routing routing, int from, int to) {
    Stream<Integer> tokens = IntStream.range(from, to).boxed();
    return (router.overflow().byScore()
        ? tokens.sorted(Comparator.comparingDouble((Integer token) -> -routing.scores()[token]))
        : tokens).mapToInt(Integer::intValue).toArray();
  }

  private float weightOf(Routing routing, int token) {
    float sum = 0f;
    for (int i = token * moe.topK(); i < (token + 1) * moe.topK(); i++) {
      sum += routing.weights()[i];
    }
    return sum;
  }

  private void renormalize(Routing routing, int token, float sum) {
    float left = weightOf(routing, token);
    for (int i = token * moe.topK(); left != 0 && left != sum && i < (token + 1) * moe.topK(); i++) {
      routing.weights()[i] = routing.weights()[i] / left * sum;
    }
  }

  /**
   * The best expert's part in a softmax over those whose logits come near its own.
   *
   * @param left logits of the experts that can still be chosen, negative infinity for the others
   */
  private float partAmongNear(float[] logits, float[] left, int best) {
    float[] near = left.clone();
    for (int expert = 0; expert < near.length; expert++) {
      float magnitude = Math.max(Math.abs(logits[expert]), logits[best]);
      if ((logits[best] - logits[expert]) / magnitude > router.tolerance()) {
        near[expert] = Float.NEGATIVE_INFINITY;
      }
    }
    kernels.softmax(near, 0, near.length);
    return near[best];
  }

  /** The score of what is not chosen after all. */
  private float none() {
    return router.scoring() == Scoring.SOFTMAX_OF_CHOSEN ? Float.NEGATIVE_INFINITY : 0f;
  }

  /** In order of rank. */
  private static float sum(float[] weights) {
    float sum = 0f;
    for (float weight : weights) {
      sum += weight;
    }
    return sum;
  }

  /** The score of each expert. */
  private float[] scores(float[] hidden, int token) {
    int experts = moe.experts();
    int width = weights.weight().cols();
    float[] scores = new float[experts];
    kernels.matmul(weights.weight(), 0, experts, hidden, token * width, width, 1, scores, 0, experts);
    if (weights.bias() != null) {
      kernels.addScaled(scores, 0, weights.bias(), 0, 1f, experts);
    }
    switch (router.scoring()) {
      case SOFTMAX -> kernels.softmax(scores, 0, experts);
      case SIGMOID -> {
        for (int expert = 0; expert < experts; expert++) {
          scores[expert] = ExactMath.sigmoid(scores[expert]);
        }
      }
      case SOFTMAX_OF_CHOSEN, SPARSE_MIXER -> {
        // Chosen by the logits themselves.
      }
    }
    return scores;
  }

  /** What experts are chosen by; negative infinity for those that must not be. */
  private float[] selection(float[] scores, Set<Integer> missing) {
    float[] selection = scores.clone();
    if (weights.correctionBias() != null) {
      kernels.addScaled(selection, 0, weights.correctionBias(), 0, 1f, selection.length);
    }
    if (router.groups() != null) {
      keepBestGroups(selection, router.groups());
    }
    for (int expert : missing) {
      selection[expert] = Float.NEGATIVE_INFINITY;
    }
    return selection;
  }

  private static void keepBestGroups(float[] selection, Router.Groups groups) {
    int size = selection.length / groups.count();
    float[] groupScores = new float[groups.count()];
    int[] best = new int[groups.best()];
    for (int group = 0; group < groups.count(); group++) {
      TopK.select(selection, group * size, size, best);
      for (int member : best) {
        groupScores[group] += selection[group * size + member];
      }
    }
    int[] kept = new int[groups.chosen()];
    TopK.select(groupScores, 0, groups.count(), kept);
    Arrays.sort(kept);
    for (int group = 0; group < groups.count(); group++) {
      if (Arrays.binarySearch(kept, group) < 0) {
        Arrays.fill(selection, group * size, (group + 1) * size, Float.NEGATIVE_INFINITY);
      }
    }
  }
}
