package io.expertmesh.engine.schedule;

import io.expertmesh.engine.kvcache.KvShape;
import io.expertmesh.model.architecture.Architecture;

/**
 * The limits of an engine.
 *
 * @param threads that run kernels, the engine's own included
 * @param maxRunning sequences in a step at most
 * @param queueCapacity requests that may wait
 * @param stepRows token rows of a step at most; longer prompts go through in chunks, or, if the model takes only whole
 *     prompts, in a larger step
 * @param pageTokens positions of a KV page
 * @param kvPages pages at most
 * @param partRows rows that each part of a step has at least when it is split to overlap attention with remote experts.
 *     Each part reads all weights that it uses, so that parts of few rows would cost more than they hide
 */
public record EngineConfiguration(int threads, int maxRunning, int queueCapacity, int stepRows, int pageTokens,
    int kvPages, int partRows) {
  private static final int PAGE_TOKENS = 16;
  private static final int STEP_ROWS = 512;
  private static final int MAX_RUNNING = 64;
  private static final int QUEUE_CAPACITY = 256;
  /** About where a CPU's matrix products stop to wait for the weights. */
  private static final int PART_ROWS = 32;

  public EngineConfiguration {
    if (threads < 1 || maxRunning < 1 || queueCapacity < 1 || stepRows < maxRunning || pageTokens < 1 || kvPages < 1
        || partRows < 1) {
      throw new IllegalArgumentException(
          "threads %d, maxRunning %d, queueCapacity %d, stepRows %d, pageTokens %d, kvPages %d, partRows %d: all must be at least 1, "
              .formatted(threads, maxRunning, queueCapacity, stepRows, pageTokens, kvPages, partRows)
              + "and stepRows at least maxRunning");
    }
  }

  /** Limits with the usual size of a step's parts. */
  public EngineConfiguration(int threads, int maxRunning, int queueCapacity, int stepRows, int pageTokens,
      int kvPages) {
    this(threads, maxRunning, queueCapacity, stepRows, pageTokens, kvPages, PART_ROWS);
  }

  /**
   * Sensible limits for this process: pages for every sequence at full length, but no more than half of the heap.
   *
   * @param threads that run kernels
   */
  public static EngineConfiguration defaults(Architecture model, int threads) {
    return defaults(model, threads, 1);
  }

  /**
   * As {@link #defaults(Architecture, int)}, for each of several engines in this process.
   *
   * @param engines that share the half of the heap
   */
  public static EngineConfiguration defaults(Architecture model, int threads, int engines) {
    long pageBytes = 0;
    for (KvShape shape : KvShape.of(model)) {
      pageBytes += PAGE_TOKENS * shape.bytes();
    }
    long wanted = (long) MAX_RUNNING * Math.ceilDiv(model.contextLength(), PAGE_TOKENS);
    long affordable = Runtime.getRuntime().maxMemory() / 2 / engines / pageBytes;
    int pages = Math.clamp(Math.min(wanted, affordable), 1, Integer.MAX_VALUE);
    return new EngineConfiguration(threads, MAX_RUNNING, QUEUE_CAPACITY, STEP_ROWS, PAGE_TOKENS, pages);
  }
}
