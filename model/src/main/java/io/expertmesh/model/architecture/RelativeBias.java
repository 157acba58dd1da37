package io.expertmesh.model.architecture;

/**
 * A learned number for each head and bucket of distances, added to the scores: T5 (arXiv 1910.10683, section 2.1).
 * Small distances have a bucket each, larger ones share buckets that grow with the logarithm.
 *
 * @param buckets how many there are
 * @param maxDistance from here on all distances share the last bucket
 * @param bidirectional whether keys after the query have buckets of their own: half of them
 */
public record RelativeBias(int buckets, int maxDistance, boolean bidirectional) {
  /** Adds its numbers to the scores that the query at {@code position} gives to the keys from {@code firstKey} on. */
  public void add(float[] byBucket, int position, int firstKey, float[] scores, int count) {
    for (int i = 0; i < count; i++) {
      scores[i] += byBucket[bucket(firstKey + i - position)];
    }
  }

  /** Of the key that is {@code distance} positions after the query (or before it, if negative). */
  public int bucket(int distance) {
    int count = bidirectional ? buckets / 2 : buckets;
    int base = bidirectional && distance > 0 ? count : 0;
    int far = bidirectional ? Math.abs(distance) : Math.max(-distance, 0);
    int exact = count / 2;
    if (far < exact) {
      return base + far;
    }
    float share = (float) StrictMath.log((float) far / exact) / (float) StrictMath.log((double) maxDistance / exact);
    return base + Math.min(exact + (int) (share * (count - exact)), count - 1);
  }
}
