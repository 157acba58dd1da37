package io.expertmesh.engine.kvcache;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of {@code pageTokens} consecutive positions in all layers.
 *
 * <p>In each layer, the key of head h at position t of the page starts at {@code (h * pageTokens + t) * keyDim}, its
 * value at {@code (h * pageTokens + t) * valueDim}.
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

  KvPage(List<KvShape> shapes, int pageTokens) {
    keys = new float[shapes.size()][];
    values = new float[shapes.size()][];
    for (int layer = 0; layer < keys.length; layer++) {
      KvShape shape = shapes.get(layer);
      keys[layer] = new float[shape.heads() * pageTokens * shape.keyDim()];
      values[layer] = new float[shape.heads() * pageTokens * shape.valueDim()];
    }
  }
}
