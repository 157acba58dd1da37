package io.expertmesh.engine.kvcache;

import java.util.Arrays;

/**
 * A full page by its tokens and everything before them.
 *
 * @param parent number of the chain that ends before this page, 0 for the start of a sequence
 * @param tokens the page's token ids
 */
record PrefixKey(long parent, int[] tokens) {
  @Override
  public boolean equals(Object other) {
    return other instanceof PrefixKey key && parent == key.parent && Arrays.equals(tokens, key.tokens);
  }

  @Override
  public int hashCode() {
    return Long.hashCode(parent) * 31 + Arrays.hashCode(tokens);
  }
}
