package io.expertmesh.engine.sampling;

import io.expertmesh.kernels.ExactMath;
import java.util.Arrays;

/** The tokens that may be drawn, with their probabilities. */
final class Candidates {
  /** Token ids: in ascending order, or after a cut by falling probability (ties: lower id first). */
  private final int[] heap;
  private final double[] probability;
  private int count;
  private double total;

  /** All tokens with a logit above negative infinity, at {@code temperature}. */
  Candidates(float[] logits, float temperature) {
    probability = new double[logits.length];
    heap = new int[logits.length];
    float max = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      if (logit > max) { // false for NaN, as below
        max = logit;
      }
    }
    for (int i = 0; i < logits.length; i++) {
      if (logits[i] > Float.NEGATIVE_INFINITY) {
        probability[i] = ExactMath.exp((logits[i] - max) / temperature);
        total += probability[i];
        heap[count++] = i;
      }
    }
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** Keeps the most likely ones; see {@link io.expertmesh.engine.api.SamplingParameters}. */
  void cut(int topK, float topP, float minP) {
    boolean cutsShare = topP < 1 || minP > 0;
    if (topK == 0 && !cutsShare) {
      return;
    }
    for (int i = count / 2 - 1; i >= 0; i--) {
      siftDown(i, count);
    }
    if (topK > 0) {
      keep(Math.min(topK, count), 1, 0);
    }
    if (cutsShare) {
      keep(count, topP, minP);
    }
  }

  /** Sorts out the best: {@code limit} at most, until {@code topP} of the total is reached or one is below {@code minP}. */
  private void keep(int limit, float topP, float minP) {
    double enough = topP < 1 ? topP * total : Double.POSITIVE_INFINITY;
    double least = minP * probability[heap[0]];
    int[] sorted = new int[Math.min(limit, 64)];
    double sum = 0;
    int n = 0;
    for (int left = count; n < limit; left--) {
      int id = heap[0];
      if (n > 0 && (sum >= enough || probability[id] < least)) {
        break;
      }
      if (n == sorted.length) {
        sorted = Arrays.copyOf(sorted, 2 * n);
      }
      sorted[n++] = id;
      sum += probability[id];
      heap[0] = heap[left - 1];
      siftDown(0, left - 1);
    }
    System.arraycopy(sorted, 0, heap, 0, n); // sorted, and so a heap again
    count = n;
    total = sum;
  }

  /** The token at {@code share} of the total probability, share in [0, 1). */
  int at(double share) {
    double left = share * total;
    for (int i = 0; i < count - 1; i++) {
      left -= probability[heap[i]];
      if (left < 0) {
        return heap[i];
      }
    }
    return heap[count - 1];
  }

  private boolean before(int a, int b) {
    return probability[a] > probability[b] || (probability[a] == probability[b] && a < b);
  }

  private void siftDown(int at, int size) {
    int id = heap[at];
    while (2 * at + 1 < size) {
      int child = 2 * at + 1;
      if (child + 1 < size && before(heap[child + 1], heap[child])) {
        child++;
      }
      if (before(id, heap[child])) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = id;
  }
}
