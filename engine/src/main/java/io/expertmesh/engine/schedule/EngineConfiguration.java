package io.expertmesh.engine.schedule;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Block;

/**
 * The limits of an engine.
 *
 * @param threads that run kernels, the engine's own included
 * @param maxRunning sequences in a step at most
 * @param queueCapacity requests that may wait
 * @param stepRows token rows of a step at most; longer prompts go through in chunks
 * @param pageTokens positions of a KV page
 * @param kvPages pages at most
 */
public record EngineConfiguration(int threads, int maxRunning, int queueCapacity, int stepRows, int pageTokens,
    int kvPages) {
  private static final int PAGE_TOKENS = 16;
  private static final int STEP_ROWS = 512;
  private static final int MAX_RUNNING = 64;
  private static final int QUEUE_CAPACITY = 256;

  public EngineConfiguration {
    if (threads < 1 || maxRunning < 1 || queueCapacity < 1 || stepRows < maxRunning || pageTokens < 1 || kvPages < 1) {
      throw new IllegalArgumentException(
          "threads %d, maxRunning %d, queueCapacity %d, stepRows %d, pageTokens %d, kvPages %d: all must be at least 1, "
              .formatted(threads, maxRunning, queueCapacity, stepRows, pageTokens, kvPages)
              + "and stepRows at least maxRunning");
    }
  }

  /**
   * Sensible limits for this process: pages for every sequence at full length, but no more than half of the heap.
   *
   * @param threads that run kernels
   */
  public static EngineConfiguration defaults(Architecture model, int threads) {
    long pageBytes = 0;
    for (Block block : model.blocks()) {
      pageBytes += 2L * Float.BYTES * PAGE_TOKENS * block.attention().keyValueWidth();
    }
    long wanted = (long) MAX_RUNNING * Math.ceilDiv(model.contextLength(), PAGE_TOKENS);
    long affordable = Runtime.getRuntime().maxMemory() / 2 / pageBytes;
    int pages = Math.clamp(Math.min(wanted, affordable), 1, Integer.MAX_VALUE);
    return new EngineConfiguration(threads, MAX_RUNNING, QUEUE_CAPACITY, STEP_ROWS, PAGE_TOKENS, pages);
  }
}
