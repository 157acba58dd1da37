package io.expertmesh.engine.schedule;

import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.kvcache.KvSequence;
import io.expertmesh.engine.sampling.Sampler;
import io.expertmesh.model.failure.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way through the engine. The engine's thread owns it; callers only take events and raise the two
 * flags.
 */
final class Sequence implements Generation {
  final GenerationRequest request;
  final KvSequence cache;
  final Sampler sampler;
  /** Prompt and answer so far; the first {@link #length} entries are valid. */
  int[] tokens;
  int length;
  int reusedTokens;
  /** What the step that is being computed chose; null if nothing. */
  GenerationEvent.@Nullable Token sampled;
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
    send(new GenerationEvent.Finished(reason, promptLength(), generated(), generatedRouting));
  }

  void fail(FailureException failure) {
    send(new GenerationEvent.Failed(failure));
  }
}
