package io.expertmesh.engine.kvcache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The cached keys and values of one sequence: positions 0 to {@link #length()} - 1. */
public final class KvSequence {
  /** What the first page of an extended sequence names as parent; no page has this number. */
  private static final long EXTENDED = -1;

  private final KvCache cache;
  private final List<KvPage> pages = new ArrayList<>();
  /** By layer, then page: what the attention kernel reads. */
  private final float[][][] keys;
  private final float[][][] values;
  private int length;
  private int registeredPages;
  private long chain;
  private final boolean shares;
  private boolean shared;
  private boolean extended;

  /**
   * @param shares prefixes with others
   */
  KvSequence(KvCache cache, boolean shares) {
    this.cache = cache;
    this.shares = shares;
    this.shared = shares;
    this.keys = new float[cache.shapes().size()][0][];
    this.values = new float[cache.shapes().size()][0][];
  }

  /** Positions whose keys and values are complete. */
  public int length() {
    return length;
  }

  /** Pages that the sequence holds. */
  public int pages() {
    return pages.size();
  }

  /**
   * From now on its keys are rotated as a long sequence's; it shares prefixes with such sequences alone. Only for an empty
   * sequence.
   */
  public void extend() {
    extended = true;
    chain = EXTENDED;
  }

  /** Whether its keys are rotated as a long sequence's. */
  public boolean extended() {
    return extended;
  }

  /**
   * Takes over the longest cached prefix of {@code tokens}, whole pages only and never all of the tokens, so that
   * something is left to compute logits from. Only for an empty sequence.
   *
   * @return the number of tokens taken over
   */
  public int reusePrefix(int[] tokens, int count) {
    int pageTokens = cache.pageTokens();
    while (shares && (pages.size() + 1) * pageTokens < count) {
      int from = pages.size() * pageTokens;
      PrefixKey key = new PrefixKey(chain, Arrays.copyOfRange(tokens, from, from + pageTokens));
      KvPage page = cache.hold(key);
      if (page == null) {
        break;
      }
      chain = cache.chainOf(key);
      add(page);
    }
    registeredPages = pages.size();
    length = registeredPages * pageTokens;
    return length;
  }

  /** Takes pages until {@code positions} fit; false, with those that could be had, if there are not enough. */
  public boolean ensureCapacity(int positions) {
    int needed = cache.pagesFor(positions);
    while (pages.size() < needed) {
      KvPage page = cache.take();
      if (page == null) {
        return false;
      }
      add(page);
    }
    return true;
  }

  private void add(KvPage page) {
    pages.add(page);
    int n = pages.size();
    for (int layer = 0; layer < keys.length; layer++) {
      if (keys[layer].length < n) {
        keys[layer] = Arrays.copyOf(keys[layer], Math.max(4, 2 * n));
        values[layer] = Arrays.copyOf(values[layer], Math.max(4, 2 * n));
      }
      keys[layer][n - 1] = page.keys[layer];
      values[layer][n - 1] = page.values[layer];
    }
  }

  /** The key pages of a layer. */
  public float[][] keyPages(int layer) {
    return keys[layer];
  }

  /** The value pages of a layer. */
  public float[][] valuePages(int layer) {
    return values[layer];
  }

  /** Stores key (heads, keyDim) and value (heads, valueDim) of {@code position}. */
  public void store(int layer, int position, float[] key, int keyOffset, float[] value, int valueOffset) {
    int pageTokens = cache.pageTokens();
    KvShape shape = cache.shapes().get(layer);
    int page = position / pageTokens;
    for (int head = 0; head < shape.heads(); head++) {
      int at = head * pageTokens + position % pageTokens;
      System.arraycopy(key, keyOffset + head * shape.keyDim(), keys[layer][page], at * shape.keyDim(),
          shape.keyDim());
      System.arraycopy(value, valueOffset + head * shape.valueDim(), values[layer][page], at * shape.valueDim(),
          shape.valueDim());
    }
  }

  /** From now on no page becomes reusable, because what follows is not what the model says; until {@link #release}. */
  public void stopSharing() {
    shared = false;
  }

  /**
   * Says that the positions up to {@code newLength} are complete in all layers; full pages become reusable.
   *
   * @param tokens the sequence's token ids
   */
  public void complete(int newLength, int[] tokens) {
    length = newLength;
    int pageTokens = cache.pageTokens();
    for (; shared && (registeredPages + 1) * pageTokens <= length; registeredPages++) {
      int from = registeredPages * pageTokens;
      PrefixKey key = new PrefixKey(chain, Arrays.copyOfRange(tokens, from, from + pageTokens));
      chain = cache.register(key, pages.get(registeredPages));
    }
  }

  /** Gives all pages back; the sequence is empty again. */
  public void release() {
    for (int i = pages.size() - 1; i >= 0; i--) { // the end of a prefix is given up before its beginning
      cache.release(pages.get(i));
    }
    pages.clear();
    for (int layer = 0; layer < keys.length; layer++) {
      keys[layer] = new float[0][];
      values[layer] = new float[0][];
    }
    length = 0;
    registeredPages = 0;
    chain = extended ? EXTENDED : 0;
    shared = shares;
  }
}
