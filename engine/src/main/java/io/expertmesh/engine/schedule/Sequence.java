package io.expertmesh.engine.schedule;

import io.expertmesh.engine.api.Degradation;
import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.api.WhenUnavailable;
import io.expertmesh.engine.decoder.ChunkOutcome;
import io.expertmesh.engine.decoder.EncodedInput;
import io.expertmesh.engine.decoder.Step;
import io.expertmesh.engine.kvcache.KvSequence;
import io.expertmesh.engine.sampling.Logprobs;
import io.expertmesh.engine.sampling.Sampler;
import io.expertmesh.engine.watch.RequestWatch;
import io.expertmesh.model.decoder.Routing;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
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

  private final GenerationRequest request;
  private final @Nullable RequestWatch watch;
  private final KvSequence cache;
  private final Sampler sampler;
  private final int rotaryContext;
  /** Prompt and answer so far; the first {@link #length} entries are valid. */
  private int[] tokens;
  private int length;
  private int reusedTokens;
  /** What the step that is being computed chose; null if nothing. */
  private GenerationEvent.@Nullable Token sampled;
  /** Whether the answer ends with what was chosen last. */
  private boolean complete;
  /** Why the request cannot go on; other requests of the step can. */
  private @Nullable FailureException failure;
  private boolean promptDone;
  /** What the encoder made of the input, once it did. */
  private @Nullable EncodedInput encoded;
  /** Whether it counts as waiting; a preempted sequence does not. */
  private boolean queued = true;
  /** End of the positions that were ever computed; what a preempted sequence computes again is no progress. */
  private int furthest;
  /** Since the last progress: the wait for missing experts; null if none were missing. */
  private @Nullable ExpertWait expertWait;
  private boolean blocked;
  private final List<@Nullable TokenLogprobs> promptLogprobs = new ArrayList<>();
  private final List<TokenRouting> routing = new ArrayList<>();
  private final TreeMap<Integer, TreeSet<Integer>> degraded = new TreeMap<>();

  private final BlockingQueue<GenerationEvent> events = new LinkedBlockingQueue<>();
  private final Runnable wake;
  private volatile boolean cancelled;
  private volatile boolean stopped;

  /**
   * @param rotaryContext tokens up to which the model rotates a sequence as a short one
   */
  Sequence(GenerationRequest request, KvSequence cache, Sampler sampler, int rotaryContext, Runnable wake) {
    this.request = request;
    this.watch = request.watch();
    this.cache = cache;
    this.sampler = sampler;
    this.rotaryContext = rotaryContext;
    this.wake = wake;
    this.tokens = request.promptIds().clone();
    this.length = tokens.length;
    if (length > rotaryContext) {
      cache.extend();
    }
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

  KvSequence cache() {
    return cache;
  }

  /** Tokens of prompt and answer so far. */
  int length() {
    return length;
  }

  int promptLength() {
    return request.promptIds().length;
  }

  /** Prompt tokens that the prefix cache had. */
  int reusedTokens() {
    return reusedTokens;
  }

  private int generated() {
    return length - promptLength();
  }

  /** Takes over what the prefix cache has, unless something of the prompt must be reported that would be skipped. */
  void reusePrefix() {
    if (request.promptLogprobs() >= 0 || request.returnRouting()) {
      return;
    }
    int reused = cache.reusePrefix(tokens, length);
    if (queued) { // what a preempted sequence finds again, it has computed itself
      reusedTokens = reused;
    }
  }

  /** It takes part in steps from now on. */
  void started() {
    if (watch != null) {
      watch.started(reusedTokens);
    }
  }

  /** Who watches it; null if nobody does. */
  @Nullable
  RequestWatch watch() {
    return watch;
  }

  /** Its id in logs. */
  String id() {
    return request.id();
  }

  /** Says that it does not count as waiting any more; true the first time. */
  boolean leaveQueue() {
    boolean left = queued;
    queued = false;
    return left;
  }

  /** Its pages are gone; it will compute everything again. */
  void preempted() {
    cache.release();
    blocked = false;
    if (watch != null) {
      watch.preempted();
    }
    if (outgrown()) {
      cache.extend();
    }
  }

  /** Whether it has become longer than what its cached keys are rotated for. */
  boolean outgrown() {
    return length > rotaryContext && !cache.extended();
  }

  /** Its part in a step that computes the positions up to {@code end}. */
  Step.Chunk chunk(int end) {
    return new Step.Chunk(cache, tokens, startLength(), cache.length(), end, logitsFrom(end), encoded,
        request.whenUnavailable().policy());
  }

  /** Tokens of the prompt that must go through the model together, if any must. */
  int startLength() {
    return request.encoderInput() == null ? promptLength() : request.encoderInput().startTokens();
  }

  /** Tokens of the encoder's input. */
  int inputLength() {
    return request.encoderInput() == null ? 0 : request.encoderInput().ids().length;
  }

  /** The input, while the encoder has yet to read it; null otherwise. */
  int @Nullable [] unreadInput() {
    return request.encoderInput() == null || encoded != null ? null : request.encoderInput().ids();
  }

  UnavailablePolicy policy() {
    return request.whenUnavailable().policy();
  }

  /** The encoder has read the input. */
  void read(EncodedInput input, List<Degradation> degradations) {
    encoded = input;
    expertWait = null;
    note(degradations);
  }

  private void note(List<Degradation> degradations) {
    for (Degradation one : degradations) {
      degraded.computeIfAbsent(one.layer(), layer -> new TreeSet<>()).addAll(one.experts());
    }
  }

  /** First position whose logits a chunk up to {@code end} must give: all of a scored prompt, else only the last. */
  private int logitsFrom(int end) {
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

  /** Why it cannot go on, if it cannot. */
  @Nullable
  FailureException failure() {
    return failure;
  }

  /** Pauses for missing experts; true if it made progress since the last pause. */
  boolean block(ChunkOutcome.Blocked outcome, long now) {
    ExpertWait before = expertWait;
    blocked = true;
    expertWait = new ExpertWait(before == null ? now : before.since(), waitLimit(outcome.patience()), now,
        outcome.experts(), outcome.failure());
    if (watch != null && before == null) {
      watch.blocked(String.valueOf(outcome.failure().getMessage()));
    }
    return before == null;
  }

  private Duration waitLimit(@Nullable Duration waking) {
    WhenUnavailable wish = request.whenUnavailable();
    Duration own = wish.policy() == UnavailablePolicy.WAIT ? wish.waitLimit() : Duration.ZERO;
    return waking == null || own.compareTo(waking) > 0 ? own : waking;
  }

  /** Whether it keeps its pages but takes no part in steps. */
  boolean blocked() {
    return blocked;
  }

  void unblock() {
    blocked = false;
    if (watch != null) {
      watch.unblocked();
    }
  }

  @Nullable
  ExpertWait expertWait() {
    return expertWait;
  }

  /**
   * Its chunk of a step is computed.
   *
   * @param routings by layer
   * @param firstRow the chunk's first row in them
   */
  void commit(Step.Chunk chunk, List<Routing> routings, int firstRow, List<Degradation> degradations) {
    if (chunk.to() > furthest) {
      furthest = chunk.to();
      expertWait = null;
    }
    if (!degradations.isEmpty()) {
      cache.stopSharing();
      note(degradations);
    }
    cache.complete(chunk.to(), tokens);
    if (request.returnRouting()) {
      recordRouting(chunk, routings, firstRow);
    }
  }

  /** Keeps where the chunk's rows went, unless a preempted run has reported them. */
  private void recordRouting(Step.Chunk chunk, List<Routing> routings, int firstRow) {
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

  /** Reports the prompt when all of it is computed; true the first time. */
  boolean reportPrompt() {
    if (promptDone) {
      return false;
    }
    promptDone = true;
    if (watch != null) {
      watch.promptDone();
    }
    events.add(new GenerationEvent.PromptDone(promptLogprobs, List.copyOf(routing), reusedTokens));
    return true;
  }

  /** Reports the token that the last step chose, which becomes the next to be computed; false if it chose none. */
  boolean reportToken() {
    GenerationEvent.Token token = sampled;
    sampled = null;
    if (token == null) {
      return false;
    }
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
    }
    tokens[length++] = token.id();
    events.add(token);
    return true;
  }

  /** Why it is over; null if it is not. */
  @Nullable
  FinishReason end(int contextLength) {
    if (complete) {
      return FinishReason.STOP;
    }
    return generated() >= request.maxTokens() || length >= contextLength ? FinishReason.LENGTH : null;
  }

  /** Whether experts were replaced or left out. */
  boolean isDegraded() {
    return !degraded.isEmpty();
  }

  void finish(FinishReason reason) {
    if (watch != null) {
      watch.finished(generated());
    }
    List<TokenRouting> generatedRouting = request.returnRouting()
        ? List.copyOf(routing.subList(Math.min(promptLength(), routing.size()), routing.size()))
        : List.of();
    List<Degradation> degradations = new ArrayList<>(degraded.size());
    degraded.forEach((layer, experts) -> degradations.add(new Degradation(layer, List.copyOf(experts))));
    events.add(new GenerationEvent.Finished(reason, inputLength() + promptLength(), generated(), generatedRouting,
        degradations));
  }

  void fail(FailureException reason) {
    if (watch != null) {
      watch.failed(reason);
    }
    events.add(new GenerationEvent.Failed(reason));
  }
}
