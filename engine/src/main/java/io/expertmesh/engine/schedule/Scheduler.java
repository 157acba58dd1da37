package io.expertmesh.engine.schedule;

import io.expertmesh.engine.kvcache.KvCache;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Decides which rows go into the next step. Sequences that generate come first, one row each; prompts share what is
 * left, oldest first. Sequences that wait for experts keep their pages and have no rows. When pages run out, the
 * youngest sequence (of those that wait for experts, if there are any) gives its pages back and waits; what it computes
 * again later gives the same bits.
 *
 * <p>Where a model takes only whole prompts, each goes into one step: the oldest even if that makes the step larger than
 * it should be, others while they fit.
 *
 * <p>Not thread-safe.
 */
final class Scheduler {
  /** While others generate, a step takes this part of its rows from prompts, so that they do not wait long. */
  private static final int PROMPT_SHARE = 8;

  private final KvCache cache;
  private final int maxRunning;
  private final int stepRows;
  private final boolean wholePrompts;
  private final Deque<Sequence> waiting = new ArrayDeque<>();
  private final List<Sequence> running = new ArrayList<>(); // oldest first

  Scheduler(KvCache cache, int maxRunning, int stepRows, boolean wholePrompts) {
    this.cache = cache;
    this.maxRunning = maxRunning;
    this.stepRows = stepRows;
    this.wholePrompts = wholePrompts;
  }

  void add(Sequence sequence) {
    waiting.add(sequence);
  }

  List<Sequence> running() {
    return running;
  }

  Deque<Sequence> waiting() {
    return waiting;
  }

  /** Takes a sequence out and frees its pages. */
  void remove(Sequence sequence) {
    running.remove(sequence);
    waiting.remove(sequence);
    sequence.cache().release();
  }

  /** The sequences of the next step and the end of the positions that each computes; empty if there is nothing to do. */
  Map<Sequence, Integer> plan() {
    admit();
    Map<Sequence, Integer> step = new LinkedHashMap<>();
    int rows = 0;
    for (Sequence sequence : List.copyOf(running)) {
      if (!sequence.blocked() && remaining(sequence) == 1 && rows < stepRows) {
        rows += schedule(sequence, 1, step);
      }
    }
    int budget = rows == 0 ? stepRows : Math.min(stepRows, rows + Math.max(1, stepRows / PROMPT_SHARE));
    boolean prompts = false;
    for (Sequence sequence : List.copyOf(running)) {
      if (!sequence.blocked() && !step.containsKey(sequence) && remaining(sequence) > 1 && rows < budget) {
        int fitting = Math.min(remaining(sequence), budget - rows);
        int least = wholePrompts ? sequence.startLength() - sequence.cache().length() : 1;
        if (least <= fitting || !prompts) {
          int scheduled = schedule(sequence, Math.max(least, fitting), step);
          prompts |= scheduled > 0;
          rows += scheduled;
        }
      }
    }
    return step;
  }

  private static int remaining(Sequence sequence) {
    return sequence.length() - sequence.cache().length();
  }

  /** Adds rows of a running sequence, making room for them; returns how many. */
  private int schedule(Sequence sequence, int rows, Map<Sequence, Integer> step) {
    if (!running.contains(sequence)) {
      return 0; // preempted a moment ago
    }
    int end = sequence.cache().length() + rows;
    while (!sequence.cache().ensureCapacity(end)) {
      Sequence victim = victim();
      preempt(victim);
      step.remove(victim);
      if (victim == sequence) {
        return 0;
      }
    }
    step.put(sequence, end);
    return rows;
  }

  private Sequence victim() {
    for (Sequence sequence : running.reversed()) {
      if (sequence.blocked()) {
        return sequence;
      }
    }
    return running.getLast();
  }

  /** Takes the pages of a running sequence, which computes everything again when there is room. */
  void preempt(Sequence sequence) {
    running.remove(sequence);
    sequence.preempted();
    waiting.addFirst(sequence);
  }

  private void admit() {
    int active = active();
    while (!waiting.isEmpty() && active < maxRunning) {
      Sequence sequence = waiting.getFirst();
      sequence.reusePrefix();
      int missing = cache.pagesFor(sequence.length()) - sequence.cache().pages();
      // A page for each running sequence stays free, so that the newcomer is not preempted at once.
      if (!running.isEmpty() && missing + running.size() > cache.availablePages()) {
        sequence.cache().release();
        return;
      }
      waiting.removeFirst();
      running.add(sequence);
      sequence.started();
      active++;
    }
  }

  private int active() {
    int active = 0;
    for (Sequence sequence : running) {
      active += sequence.blocked() ? 0 : 1;
    }
    return active;
  }
}
