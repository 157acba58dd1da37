package io.expertmesh.engine.kvcache;

import org.jspecify.annotations.Nullable;

/**
 * Keys and values of {@code pageTokens} consecutive positions in all layers.
 *
 * <p>In each layer, the vector of head h at position t of the page starts at {@code (h * pageTokens + t) * headDim}.
 */
final class KvPage {
  /** By layer. */
  final float[][] keys;
  final float[][] values;
  /** Sequences that hold the page. */
  int holders;
  /** What the page is found by while it is in the prefix index, otherwise null. */
  @Nullable
  PrefixKey prefix;

  KvPage(int layers, int floats) {
    keys = new float[layers][floats];
    values = new float[layers][floats];
  }
}
