package io.expertmesh.engine.schedule;

import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.decoder.Step;
import io.expertmesh.engine.kvcache.KvSequence;
import io.expertmesh.engine.sampling.Logprobs;
import io.expertmesh.engine.sampling.Sampler;
import io.expertmesh.model.decoder.Routing;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request on its way through the engine. The engine's thread owns it; callers only take events and raise the two
 * flags.
 */
final class Sequence implements Generation {
  private static final Logger LOG = LoggerFactory.getLogger(Sequence.class);

  final GenerationRequest request;
  final KvSequence cache;
  final Sampler sampler;
  /** Prompt and answer so far; the first {@link #length} entries are valid. */
  int[] tokens;
  int length;
  int reusedTokens;
  /** What the step that is being computed chose; null if nothing. */
  GenerationEvent.@Nullable Token sampled;
  /** Whether the answer ends with what was chosen last. */
  boolean complete;
  /** Why the request cannot go on; other requests of the step can. */
  @Nullable
  FailureException failure;
  boolean promptDone;
  /** Whether it counts as waiting; a preempted sequence does not. */
  boolean queued = true;
  final List<@Nullable TokenLogprobs> promptLogprobs = new ArrayList<>();
  final List<TokenRouting> routing = new ArrayList<>();

  private final BlockingQueue<GenerationEvent> events = new LinkedBlockingQueue<>();
  private final Runnable wake;
  private volatile boolean cancelled;
  private volatile boolean stopped;

  Sequence(GenerationRequest request, KvSequence cache, Sampler sampler, Runnable wake) {
    this.request = request;
    this.cache = cache;
    this.sampler = sampler;
    this.wake = wake;
    this.tokens = request.promptIds().clone();
    this.length = tokens.length;
  }

  @Override
  public @Nullable GenerationEvent next(Duration timeout) throws InterruptedException {
    return events.poll(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public void stop() {
    stopped = true;
    wake.run();
  }

  @Override
  public void close() {
    cancelled = true;
    wake.run();
  }

  boolean cancelled() {
    return cancelled;
  }

  boolean stopped() {
    return stopped;
  }

  int promptLength() {
    return request.promptIds().length;
  }

  int generated() {
    return length - promptLength();
  }

  /** Whether something of the prompt must be reported that a reused prefix would not compute. */
  boolean needsWholePrompt() {
    return request.promptLogprobs() >= 0 || request.returnRouting();
  }

  /** First position whose logits a chunk up to {@code end} must give: all of a scored prompt, else only the last. */
  int logitsFrom(int end) {
    if (request.promptLogprobs() >= 0 && !promptDone) {
      return cache.length();
    }
    return end == length ? end - 1 : end;
  }

  /**
   * Takes the logits after {@code position}: scores the prompt token that follows, or chooses the next one. A failure is
   * kept for when the step is over.
   */
  void take(int position, float[] logits, int offset, int vocabulary, int contextLength) {
    int next = position + 1;
    try {
      if (request.promptLogprobs() >= 0 && !promptDone) {
        scorePrompt(next, logits, offset, vocabulary);
      }
      if (next < length) {
        return;
      }
      complete = sampler.complete();
      if (generated() < request.maxTokens() && next < contextLength && !complete) {
        int id = sampler.next(logits, offset);
        TokenLogprobs logprobs = request.logprobs() < 0
            ? null
            : Logprobs.of(logits, offset, vocabulary, id, request.logprobs());
        sampled = new GenerationEvent.Token(id, logprobs);
        complete = request.stopTokenIds().contains(id) || sampler.complete();
      }
    } catch (RuntimeException | Error e) {
      LOG.error("request {} is given up", request.id(), e);
      failure = new FailureException(FailureCategory.INTERNAL, "the next token could not be chosen: " + e, e);
    }
  }

  private void scorePrompt(int next, float[] logits, int offset, int vocabulary) {
    if (promptLogprobs.isEmpty()) {
      promptLogprobs.add(null);
    }
    if (next < promptLength() && next == promptLogprobs.size()) {
      promptLogprobs.add(Logprobs.of(logits, offset, vocabulary, request.promptIds()[next], request.promptLogprobs()));
    }
  }

  /** Keeps where the chunk's rows went, from {@code firstRow} of the step on, unless a preempted run has reported them. */
  void recordRouting(Step.Chunk chunk, List<Routing> routings, int firstRow) {
    if (!request.returnRouting()) {
      return;
    }
    for (int position = Math.max(chunk.from(), routing.size()); position < chunk.to(); position++) {
      int row = firstRow + position - chunk.from();
      int[][] experts = new int[routings.size()][];
      float[][] weights = new float[routings.size()][];
      for (int layer = 0; layer < routings.size(); layer++) {
        Routing step = routings.get(layer);
        int from = row * step.topK();
        experts[layer] = Arrays.copyOfRange(step.expertIds(), from, from + step.topK());
        weights[layer] = Arrays.copyOfRange(step.weights(), from, from + step.topK());
      }
      routing.add(new TokenRouting(experts, weights));
    }
  }

  void append(int tokenId) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
    }
    tokens[length++] = tokenId;
  }

  void send(GenerationEvent event) {
    events.add(event);
  }

  void finish(FinishReason reason) {
    List<TokenRouting> generatedRouting = request.returnRouting()
        ? List.copyOf(routing.subList(Math.min(promptLength(), routing.size()), routing.size()))
        : List.of();
    send(new GenerationEvent.Finished(reason, promptLength(), generated(), generatedRouting, List.of()));
  }

  void fail(FailureException failure) {
    send(new GenerationEvent.Failed(failure));
  }
}
