package io.expertmesh.engine.kvcache;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All pages of one model. A page is free, held by sequences, or kept for its prefix until someone needs the room.
 * Memory is taken when a page is first used. Not thread-safe: it belongs to the engine's thread.
 */
public final class KvCache {
  /** A prefix that is in the index: its page and the number that its continuations name as parent. */
  private record Indexed(KvPage page, long chain) {}

  private final List<KvShape> shapes;
  private final int pageTokens;
  private final int totalPages;
  private final Deque<KvPage> free = new ArrayDeque<>();
  private final LinkedHashSet<KvPage> unheldPrefixes = new LinkedHashSet<>(); // oldest first
  private final Map<PrefixKey, Indexed> index = new HashMap<>();
  private int created;
  private long chains;

  /**
   * @param shapes by layer
   */
  public KvCache(List<KvShape> shapes, int pageTokens, int totalPages) {
    this.shapes = List.copyOf(shapes);
    this.pageTokens = pageTokens;
    this.totalPages = totalPages;
  }

  public int pageTokens() {
    return pageTokens;
  }

  public int totalPages() {
    return totalPages;
  }

  /** By layer. */
  List<KvShape> shapes() {
    return shapes;
  }

  /** Pages that {@code tokens} positions take. */
  public int pagesFor(int tokens) {
    return Math.ceilDiv(tokens, pageTokens);
  }

  /** Pages that can be had without taking one from a sequence. */
  public int availablePages() {
    return totalPages - created + free.size() + unheldPrefixes.size();
  }

  /** Pages that hold nothing but reusable prefixes. */
  public int cachedPages() {
    return unheldPrefixes.size();
  }

  /** A new, empty sequence that shares prefixes with others. */
  public KvSequence newSequence() {
    return new KvSequence(this, true);
  }

  /** A new, empty sequence whose pages nobody else uses. */
  public KvSequence newUnsharedSequence() {
    return new KvSequence(this, false);
  }

  /** A page without content held by one sequence, or null if all are held. */
  @Nullable
  KvPage take() {
    KvPage page = free.poll();
    if (page == null && created < totalPages) {
      page = new KvPage(shapes, pageTokens);
      created++;
    }
    if (page == null) {
      Iterator<KvPage> oldest = unheldPrefixes.iterator();
      if (!oldest.hasNext()) {
        return null;
      }
      page = oldest.next();
      oldest.remove();
      index.remove(page.prefix);
      page.prefix = null;
    }
    page.holders = 1;
    return page;
  }

  /** The page with these tokens after the chain {@code parent}, now held once more; null if there is none. */
  @Nullable
  KvPage hold(PrefixKey key) {
    Indexed found = index.get(key);
    if (found == null) {
      return null;
    }
    if (found.page.holders++ == 0) {
      unheldPrefixes.remove(found.page);
    }
    return found.page;
  }

  /** The chain that ends with the page of {@code key}, which is in the index. */
  long chainOf(PrefixKey key) {
    Indexed found = index.get(key);
    if (found == null) {
      throw new IllegalStateException("the prefix is not indexed");
    }
    return found.chain;
  }

  /** Makes a full page findable, unless an equal one is already; returns the chain that ends with it. */
  long register(PrefixKey key, KvPage page) {
    Indexed present = index.get(key);
    if (present != null) {
      return present.chain;
    }
    page.prefix = key;
    index.put(key, new Indexed(page, ++chains));
    return chains;
  }

  void release(KvPage page) {
    if (--page.holders == 0) {
      if (page.prefix == null) {
        free.push(page);
      } else {
        unheldPrefixes.add(page);
      }
    }
  }
}
