package io.expertmesh.engine.schedule;

import io.expertmesh.engine.api.EngineLoad;
import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEngine;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.decoder.ChunkOutcome;
import io.expertmesh.engine.decoder.Decoder;
import io.expertmesh.engine.decoder.Encoding;
import io.expertmesh.engine.decoder.Step;
import io.expertmesh.engine.decoder.StepResult;
import io.expertmesh.engine.experts.CallOrigin;
import io.expertmesh.engine.experts.ExpertClient;
import io.expertmesh.engine.experts.LocalExperts;
import io.expertmesh.engine.kvcache.KvCache;
import io.expertmesh.engine.kvcache.KvShape;
import io.expertmesh.engine.sampling.Sampler;
import io.expertmesh.engine.watch.RequestWatch;
import io.expertmesh.engine.watch.StepWatch;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.FeedForwardRunner;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Continuous batching on one thread: sequences join and leave between two steps of the decoder. */
public final class BatchingEngine implements GenerationEngine {
  private static final Logger LOG = LoggerFactory.getLogger(BatchingEngine.class);

  private final Architecture model;
  private final EngineConfiguration configuration;
  private final KvCache cache;
  private final Decoder decoder;
  private final ExpertClient experts;
  private final Runnable onClose;
  private final Scheduler scheduler;
  private final Queue<Sequence> inbox = new ConcurrentLinkedQueue<>();
  private final AtomicInteger queued = new AtomicInteger();
  private final AtomicInteger outstanding = new AtomicInteger();
  private final RequestLimits limits;
  private final ExpertCounters counters;
  private final int encoderMixtures;
  private final Thread thread;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean draining;
  private volatile boolean outOfTime;
  private volatile boolean closed;
  private volatile EngineLoad load;
  private long promptTokens;
  private long reusedPromptTokens;
  private long generatedTokens;
  private long steps;
  private long blockedRequests;
  private long degradedRequests;

  /**
   * @param experts those that the decoder uses
   * @param onClose releases what the decoder uses, after its last step
   */
  public BatchingEngine(Architecture model, EngineConfiguration configuration, KvCache cache, Decoder decoder,
      ExpertClient experts, Runnable onClose) {
    this.model = model;
    this.configuration = configuration;
    this.cache = cache;
    this.decoder = decoder;
    this.experts = experts;
    this.onClose = onClose;
    this.scheduler = new Scheduler(cache, configuration.maxRunning(), configuration.stepRows(), model.wholePrompts());
    this.limits = new RequestLimits(model, configuration);
    this.counters = new ExpertCounters(model);
    this.encoderMixtures = (int) model.moeLayers().stream().filter(layer -> layer < model.firstDecoderBlock()).count();
    this.load = measure(0);
    this.thread = Thread.ofPlatform().name("expertmesh-engine").daemon().start(this::run);
    experts.onAvailabilityChange(this::wake);
  }

  /** An engine whose experts are in this process; it has a worker pool of its own. */
  public static BatchingEngine start(Architecture model, DecoderWeights weights, Kernels kernels,
      EngineConfiguration configuration) {
    WorkerPool pool = new WorkerPool(configuration.threads());
    return start(model, weights, kernels, configuration, pool,
        new LocalExperts(weights, model.hiddenSize(), new FeedForwardRunner(kernels, pool), pool));
  }

  /**
   * An engine whose experts are elsewhere; closing them is the caller's business. Its worker pool leaves the cores to
   * others while the experts compute.
   */
  public static BatchingEngine start(Architecture model, DecoderWeights weights, Kernels kernels,
      EngineConfiguration configuration, ExpertClient experts) {
    return start(model, weights, kernels, configuration, new WorkerPool(configuration.threads(), Duration.ZERO),
        experts);
  }

  private static BatchingEngine start(Architecture model, DecoderWeights weights, Kernels kernels,
      EngineConfiguration configuration, WorkerPool pool, ExpertClient experts) {
    KvCache cache = new KvCache(KvShape.of(model), configuration.pageTokens(), configuration.kvPages());
    Decoder decoder = new Decoder(model, weights, cache, kernels, pool, experts, configuration.partRows());
    return new BatchingEngine(model, configuration, cache, decoder, experts, pool::close);
  }

  @Override
  public Generation submit(GenerationRequest request) {
    limits.check(request);
    if (draining || closed) {
      throw new FailureException(FailureCategory.UNAVAILABLE, "the server is shutting down");
    }
    if (queued.incrementAndGet() > configuration.queueCapacity()) {
      queued.decrementAndGet();
      throw new FailureException(FailureCategory.OVERLOADED,
          "%d requests are waiting already; try again later".formatted(configuration.queueCapacity()));
    }
    Sampler sampler = new Sampler(request.sampling(), request.promptIds(), request.stopTokenIds(),
        request.constraint(), model.vocabularySize());
    Sequence sequence = new Sequence(request,
        model.wholePrompts() ? cache.newUnsharedSequence() : cache.newSequence(), sampler, model.rotaryContext(),
        this::wake);
    outstanding.incrementAndGet();
    inbox.add(sequence);
    wake();
    if (ended.getCount() == 0) { // the engine's thread may have looked into the inbox for the last time
      refuseInbox();
    }
    return sequence;
  }

  private void wake() {
    LockSupport.unpark(thread);
  }

  private void run() {
    try {
      while (!closed) {
        try {
          round();
        } catch (RuntimeException | Error e) { // such as no memory for another page
          LOG.error("all requests are given up", e);
          giveUpAll(failed(e));
        }
      }
    } finally {
      ended.countDown();
      refuseInbox();
      giveUpAll(shutDown());
      load = measure(0);
      onClose.run();
    }
  }

  /** Hears what callers want and computes a step, or waits until there is something to do. */
  private void round() {
    receive();
    if (outOfTime) {
      giveUpAll(shutDown());
    }
    dropCancelled();
    long nanosToWait = lookAfterBlocked();
    Map<Sequence, Integer> plan = scheduler.plan();
    scheduler.running().forEach(this::leaveQueue);
    read(plan);
    if (plan.isEmpty()) {
      load = measure(0);
      if (inbox.isEmpty() && !closed) {
        LockSupport.parkNanos(this, nanosToWait);
      }
    } else {
      step(plan);
    }
  }

  /**
   * Lets requests go on whose experts may be back and gives those up that have waited long enough.
   *
   * @return nanoseconds until it must be done again, however quiet it is
   */
  private long lookAfterBlocked() {
    long nanosToWait = Long.MAX_VALUE;
    Set<Integer> wanted = new HashSet<>();
    for (Sequence sequence : List.copyOf(scheduler.running())) {
      ExpertWait wait = sequence.blocked() ? sequence.expertWait() : null;
      if (wait != null) {
        long now = System.nanoTime();
        Set<Integer> unavailable = experts.unavailable();
        if (wait.over(now)) {
          giveUp(sequence, wait.failure());
        } else if (wait.mayTryAgain(now, unavailable)) {
          sequence.unblock();
        } else {
          nanosToWait = Math.min(nanosToWait, wait.nanosToChange(now, unavailable));
          wanted.addAll(wait.experts());
        }
      }
    }
    experts.want(wanted);
    return nanosToWait;
  }

  private void giveUpAll(FailureException failure) {
    for (Sequence sequence : List.copyOf(scheduler.running())) {
      giveUp(sequence, failure);
    }
    for (Sequence sequence : List.copyOf(scheduler.waiting())) {
      giveUp(sequence, failure);
    }
  }

  /** What callers hear of a failed step: what the experts' side says, or that there is a defect. */
  private static FailureException failed(Throwable e) {
    if (e instanceof FailureException known) {
      return known;
    }
    return new FailureException(FailureCategory.INTERNAL, "the engine failed: " + e, e);
  }

  private static FailureException shutDown() {
    return new FailureException(FailureCategory.UNAVAILABLE, "the server shut down before the answer was complete");
  }

  private void refuseInbox() {
    for (Sequence sequence = inbox.poll(); sequence != null; sequence = inbox.poll()) {
      outstanding.decrementAndGet();
      sequence.fail(shutDown());
    }
  }

  private void receive() {
    for (Sequence sequence = inbox.poll(); sequence != null; sequence = inbox.poll()) {
      promptTokens += sequence.inputLength() + sequence.promptLength();
      scheduler.add(sequence);
    }
  }

  private void dropCancelled() {
    for (Sequence sequence : List.copyOf(scheduler.waiting())) {
      drop(sequence);
    }
    for (Sequence sequence : List.copyOf(scheduler.running())) {
      drop(sequence);
    }
  }

  private void drop(Sequence sequence) {
    if (sequence.cancelled()) {
      giveUp(sequence, new FailureException(FailureCategory.CANCELLED, "the request was cancelled"));
    } else if (sequence.stopped()) {
      finish(sequence, FinishReason.STOP);
    }
  }

  private void giveUp(Sequence sequence, FailureException failure) {
    remove(sequence);
    sequence.fail(failure);
  }

  private void finish(Sequence sequence, FinishReason reason) {
    degradedRequests += sequence.isDegraded() ? 1 : 0;
    remove(sequence);
    sequence.finish(reason);
  }

  private void remove(Sequence sequence) {
    scheduler.remove(sequence);
    leaveQueue(sequence);
    outstanding.decrementAndGet();
    load = measure(load.lastBatchRows()); // whoever hears of the end sees the pages free
  }

  private void leaveQueue(Sequence sequence) {
    if (sequence.leaveQueue()) {
      queued.decrementAndGet();
    }
  }

  /** Takes the input of those through the encoder that begin; whoever must wait or fails leaves the plan. */
  private void read(Map<Sequence, Integer> plan) {
    for (Sequence sequence : List.copyOf(plan.keySet())) {
      int[] input = sequence.unreadInput();
      if (input != null && !read(sequence, input)) {
        plan.remove(sequence);
      }
    }
  }

  private boolean read(Sequence sequence, int[] input) {
    Encoding encoding;
    try {
      encoding = decoder.encode(input, sequence.policy());
    } catch (RuntimeException | Error e) {
      LOG.error("the input of request {}, {} tokens, could not be encoded; it is given up", sequence.id(), input.length,
          e);
      giveUp(sequence, failed(e));
      return false;
    }
    counters.count(0, encoding.routings());
    switch (encoding.outcome()) {
      case ChunkOutcome.Failed failed -> giveUp(sequence, failed.failure());
      case ChunkOutcome.Blocked blocked -> block(sequence, blocked);
      case ChunkOutcome.Computed computed ->
        sequence.read(Objects.requireNonNull(encoding.input()), computed.degraded());
    }
    return encoding.input() != null;
  }

  private void step(Map<Sequence, Integer> plan) {
    List<Sequence> sequences = new ArrayList<>(plan.keySet());
    List<Step.Chunk> chunks = new ArrayList<>();
    plan.forEach((sequence, end) -> chunks.add(sequence.chunk(end)));
    Step step = step(sequences, chunks);
    StepResult result;
    try {
      result = decoder.run(step, (chunk, position, logits, offset) -> sequences.get(chunk).take(position, logits,
          offset, model.vocabularySize(), model.contextLength()));
    } catch (RuntimeException | Error e) {
      LOG.error("a step of {} rows failed; its {} requests are given up", step.rows(), sequences.size(), e);
      for (Sequence sequence : sequences) {
        giveUp(sequence, failed(e));
      }
      return;
    } finally {
      if (step.watch() != null) {
        step.watch().end();
      }
    }
    counters.count(encoderMixtures, result.routings());
    steps++;
    load = measure(step.rows());
    for (int i = 0, row = 0; i < sequences.size(); i++) {
      Sequence sequence = sequences.get(i);
      Step.Chunk chunk = chunks.get(i);
      switch (result.outcomes().get(i)) {
        case ChunkOutcome.Failed failed -> giveUp(sequence, failed.failure());
        case ChunkOutcome.Blocked blocked -> block(sequence, blocked);
        case ChunkOutcome.Computed computed -> {
          sequence.commit(chunk, result.routings(), row, computed.degraded());
          settle(sequence, chunk);
        }
      }
      row += chunk.to() - chunk.from();
    }
  }

  /** The chunks with whose they are. At most one of those that watch watches the whole step. */
  private static Step step(List<Sequence> sequences, List<Step.Chunk> chunks) {
    List<String> ids = new ArrayList<>(CallOrigin.MOST_REQUESTS);
    List<RequestWatch> watches = new ArrayList<>(0);
    int rows = 0;
    for (int i = 0; i < sequences.size(); i++) {
      RequestWatch watch = sequences.get(i).watch();
      rows += chunks.get(i).rows();
      if (ids.size() < CallOrigin.MOST_REQUESTS) {
        ids.add(sequences.get(i).id());
      }
      if (watch != null) {
        watches.add(watch);
      }
    }
    StepWatch watched = null;
    for (int i = 0; i < sequences.size() && watched == null; i++) {
      RequestWatch watch = sequences.get(i).watch();
      watched = watch == null ? null : watch.step(chunks.get(i).rows(), rows, sequences.size());
    }
    return new Step(chunks, new CallOrigin(ids, watches, null), watched);
  }

  /** Lets it wait, unless as many as may wait for experts that sleep. */
  private void block(Sequence sequence, ChunkOutcome.Blocked outcome) {
    boolean waitsAnyway = sequence.policy() == UnavailablePolicy.WAIT;
    if (outcome.patience() != null && !waitsAnyway && blocked() >= experts.sleeping().mostRequests()) {
      giveUp(sequence, outcome.failure());
    } else {
      blockedRequests += sequence.block(outcome, System.nanoTime()) ? 1 : 0;
    }
  }

  private int blocked() {
    int blocked = 0;
    for (Sequence sequence : scheduler.running()) {
      blocked += sequence.blocked() ? 1 : 0;
    }
    return blocked;
  }

  /** What the step means for one of its sequences. */
  private void settle(Sequence sequence, Step.Chunk chunk) {
    FailureException failure = sequence.failure();
    if (failure != null) {
      giveUp(sequence, failure);
      return;
    }
    if (chunk.to() < sequence.length()) {
      return; // more of the prompt is to come
    }
    reusedPromptTokens += sequence.reportPrompt() ? sequence.reusedTokens() : 0;
    generatedTokens += sequence.reportToken() ? 1 : 0;
    FinishReason end = sequence.end(model.contextLength());
    if (end != null) {
      finish(sequence, end);
    } else if (sequence.outgrown()) {
      scheduler.preempt(sequence);
    }
  }

  private EngineLoad measure(int rows) {
    int used = configuration.kvPages() - cache.availablePages();
    return new EngineLoad(scheduler.running().size(), configuration.maxRunning(),
        scheduler.waiting().size() + inbox.size(), blocked(),
        configuration.queueCapacity(), used, cache.cachedPages(), configuration.kvPages(), rows, promptTokens,
        reusedPromptTokens, generatedTokens, steps, blockedRequests, degradedRequests);
  }

  @Override
  public EngineLoad load() {
    return load;
  }

  @Override
  public long[][] tokensPerExpert() {
    return counters.snapshot();
  }

  @Override
  public void drain(Duration timeout) throws InterruptedException {
    draining = true;
    long deadline = System.nanoTime() + timeout.toNanos();
    while (outstanding.get() > 0 && !closed && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(10);
    }
    if (outstanding.get() > 0) {
      outOfTime = true;
      wake();
    }
  }

  @Override
  public void close() {
    draining = true;
    closed = true;
    wake();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
