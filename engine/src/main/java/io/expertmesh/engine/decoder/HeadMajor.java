package io.expertmesh.engine.decoder;

/** Keys or values in the order in which the attention kernels read them. */
final class HeadMajor {
  private HeadMajor() {}

  /** (heads, tokens, headDim), from x (tokens, heads * headDim). */
  static float[] of(float[] x, int tokens, int heads, int headDim) {
    float[] arranged = new float[tokens * heads * headDim];
    for (int t = 0; t < tokens; t++) {
      for (int head = 0; head < heads; head++) {
        System.arraycopy(x, (t * heads + head) * headDim, arranged, (head * tokens + t) * headDim, headDim);
      }
    }
    return arranged;
  }
}
