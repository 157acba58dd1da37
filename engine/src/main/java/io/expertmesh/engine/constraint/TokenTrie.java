package io.expertmesh.engine.constraint;

import io.expertmesh.model.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.IntFunction;

/**
 * The tokens of a vocabulary as a tree of their bytes, laid out in depth-first order: node 0 is the root (no bytes), a
 * node's subtree is the interval from it to {@link #end}. Several ids may share a node. Immutable.
 */
final class TokenTrie {
  private final int vocabulary;
  private final byte[] label;
  private final int[] depth;
  private final int[] end;
  /** Node i stands for the tokens {@code ids[firstId[i]] .. ids[firstId[i + 1] - 1]}. */
  private final int[] firstId;
  private final int[] ids;
  private final byte[][] tokens;
  private final int maxDepth;
  private final ByteSet singleBytes = new ByteSet();

  /** The tokens with at least one byte; special tokens have none and so are never allowed. */
  static TokenTrie of(Tokenizer tokenizer) {
    return new TokenTrie(tokenizer.size(), tokenizer::tokenBytes);
  }

  TokenTrie(int vocabulary, IntFunction<byte[]> bytesOf) {
    this.vocabulary = vocabulary;
    tokens = new byte[vocabulary][];
    Integer[] order = new Integer[vocabulary];
    int used = 0;
    for (int id = 0; id < vocabulary; id++) {
      tokens[id] = bytesOf.apply(id);
      if (tokens[id].length > 0) {
        order[used++] = id;
      }
      if (tokens[id].length == 1) {
        singleBytes.add(tokens[id][0] & 0xFF);
      }
    }
    Arrays.sort(order, 0, used, (a, b) -> Arrays.compareUnsigned(tokens[a], tokens[b]));
    int nodes = 1;
    int deepest = 0;
    for (int i = 0; i < used; i++) {
      nodes += tokens[order[i]].length - sharedPrefix(order, i);
      deepest = Math.max(deepest, tokens[order[i]].length);
    }
    maxDepth = deepest;
    label = new byte[nodes];
    depth = new int[nodes];
    end = new int[nodes];
    firstId = new int[nodes + 1];
    ids = new int[used];
    fill(order, used);
  }

  private void fill(Integer[] order, int used) {
    int[] path = new int[maxDepth + 1];
    int nodes = 1;
    int open = 0;
    for (int i = 0; i < used; i++) {
      byte[] token = tokens[order[i]];
      int shared = sharedPrefix(order, i);
      while (open > shared) {
        end[path[open--]] = nodes;
      }
      while (open < token.length) {
        label[nodes] = token[open];
        depth[nodes] = ++open;
        path[open] = nodes;
        firstId[nodes] = i;
        nodes++;
      }
      ids[i] = order[i];
      firstId[nodes] = i + 1;
    }
    while (open >= 0) {
      end[path[open--]] = nodes;
    }
  }

  /** Bytes that token {@code i} of the order has in common with the one before it. */
  private int sharedPrefix(Integer[] order, int i) {
    if (i == 0) {
      return 0;
    }
    int mismatch = Arrays.mismatch(tokens[order[i - 1]], tokens[order[i]]);
    return mismatch < 0 ? tokens[order[i]].length : mismatch;
  }

  /** Number of ids. */
  int vocabulary() {
    return vocabulary;
  }

  /** Bytes of the longest token. */
  int maxDepth() {
    return maxDepth;
  }

  /** Bytes that are tokens by themselves. */
  ByteSet singleBytes() {
    return singleBytes;
  }

  byte[] token(int id) {
    return tokens[id];
  }

  int depth(int node) {
    return depth[node];
  }

  /** The last byte of the node. */
  int label(int node) {
    return label[node] & 0xFF;
  }

  /** The node behind the subtree of {@code node}. */
  int end(int node) {
    return end[node];
  }

  boolean hasChildren(int node) {
    return end[node] > node + 1;
  }

  /** Adds the tokens of {@code node}, but not those below it. */
  void addTokens(int node, BitSet out) {
    for (int i = firstId[node]; i < firstId[node + 1]; i++) {
      out.set(ids[i]);
    }
  }

  /** Adds the tokens that begin with {@code prefix} and are longer. */
  void addTokensBeyond(byte[] prefix, BitSet out) {
    int node = 0;
    for (byte b : prefix) {
      int child = node + 1;
      while (child < end[node] && label[child] != b) {
        child = end[child];
      }
      if (child >= end[node]) {
        return;
      }
      node = child;
    }
    for (int below = node + 1; below < end[node]; below++) {
      addTokens(below, out);
    }
  }
}
