package io.expertmesh.engine.schedule;

import io.expertmesh.engine.api.EngineLoad;
import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEngine;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.decoder.Decoder;
import io.expertmesh.engine.decoder.Step;
import io.expertmesh.engine.experts.ExpertClient;
import io.expertmesh.engine.experts.LocalExperts;
import io.expertmesh.engine.kvcache.KvCache;
import io.expertmesh.engine.sampling.Sampler;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.WorkerPool;
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.architecture.Attention;
import io.expertmesh.model.decoder.DecoderWeights;
import io.expertmesh.model.decoder.ExpertRunner;
import io.expertmesh.model.decoder.Routing;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
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
  private final Runnable onClose;
  private final Scheduler scheduler;
  private final Queue<Sequence> inbox = new ConcurrentLinkedQueue<>();
  private final AtomicInteger queued = new AtomicInteger();
  private final AtomicInteger outstanding = new AtomicInteger();
  private final RequestLimits limits;
  private final ExpertCounters counters;
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

  /**
   * @param onClose releases what the decoder uses, after its last step
   */
  public BatchingEngine(Architecture model, EngineConfiguration configuration, KvCache cache, Decoder decoder,
      Runnable onClose) {
    this.model = model;
    this.configuration = configuration;
    this.cache = cache;
    this.decoder = decoder;
    this.onClose = onClose;
    this.scheduler = new Scheduler(cache, configuration.maxRunning(), configuration.stepRows());
    this.limits = new RequestLimits(model, configuration);
    this.counters = new ExpertCounters(model.blocks());
    this.load = measure(0);
    this.thread = Thread.ofPlatform().name("expertmesh-engine").daemon().start(this::run);
  }

  /** An engine whose experts are in this process; it has a worker pool of its own. */
  public static BatchingEngine start(Architecture model, DecoderWeights weights, Kernels kernels,
      EngineConfiguration configuration) {
    WorkerPool pool = new WorkerPool(configuration.threads());
    return start(model, weights, kernels, configuration, pool,
        new LocalExperts(weights, model.hiddenSize(), new ExpertRunner(kernels, pool), pool));
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
    Attention attention = model.blocks().getFirst().attention();
    KvCache cache = new KvCache(model.blocks().size(), attention.kvHeads(), attention.headDim(),
        configuration.pageTokens(), configuration.kvPages());
    Decoder decoder = new Decoder(model, weights, cache, kernels, pool, experts);
    return new BatchingEngine(model, configuration, cache, decoder, pool::close);
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
    Sequence sequence = new Sequence(request, cache.newSequence(), sampler, this::wake);
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
    Map<Sequence, Integer> plan = scheduler.plan();
    scheduler.running().forEach(this::leaveQueue);
    if (plan.isEmpty()) {
      load = measure(0);
      if (inbox.isEmpty() && !closed) {
        LockSupport.park(this);
      }
    } else {
      step(plan);
    }
  }

  private void giveUpAll(FailureException failure) {
    for (Sequence sequence : List.copyOf(scheduler.running())) {
      giveUp(sequence, failure);
    }
    for (Sequence sequence : List.copyOf(scheduler.waiting())) {
      giveUp(sequence, failure);
    }
  }

  private static FailureException failed(Throwable e) {
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
      promptTokens += sequence.promptLength();
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
    if (sequence.queued) {
      sequence.queued = false;
      queued.decrementAndGet();
    }
  }

  private void step(Map<Sequence, Integer> plan) {
    List<Sequence> sequences = new ArrayList<>(plan.keySet());
    List<Step.Chunk> chunks = new ArrayList<>();
    for (Sequence sequence : sequences) {
      int end = plan.getOrDefault(sequence, 0);
      chunks.add(new Step.Chunk(sequence.cache, sequence.tokens, sequence.cache.length(), end,
          sequence.logitsFrom(end)));
    }
    Step step = new Step(chunks);
    List<Routing> routings;
    try {
      routings = decoder.run(step, (chunk, position, logits, offset) -> sequences.get(chunk).take(position, logits,
          offset, model.vocabularySize(), model.contextLength()));
    } catch (RuntimeException | Error e) {
      LOG.error("a step of {} rows failed; its {} requests are given up", step.rows(), sequences.size(), e);
      for (Sequence sequence : sequences) {
        giveUp(sequence, failed(e));
      }
      return;
    }
    counters.count(routings);
    steps++;
    load = measure(step.rows());
    for (int i = 0, row = 0; i < sequences.size(); i++) {
      Step.Chunk chunk = chunks.get(i);
      sequences.get(i).recordRouting(chunk, routings, row);
      row += chunk.to() - chunk.from();
      settle(sequences.get(i), chunk);
    }
  }

  /** What the step means for one of its sequences. */
  private void settle(Sequence sequence, Step.Chunk chunk) {
    FailureException failure = sequence.failure;
    if (failure != null) {
      giveUp(sequence, failure);
      return;
    }
    sequence.cache.complete(chunk.to(), sequence.tokens);
    if (chunk.to() < sequence.length) {
      return; // more of the prompt is to come
    }
    if (!sequence.promptDone) {
      sequence.promptDone = true;
      reusedPromptTokens += sequence.reusedTokens;
      sequence.send(new GenerationEvent.PromptDone(sequence.promptLogprobs, List.copyOf(sequence.routing),
          sequence.reusedTokens));
    }
    GenerationEvent.Token token = sequence.sampled;
    sequence.sampled = null;
    if (token != null) {
      sequence.append(token.id());
      generatedTokens++;
      sequence.send(token);
    }
    if (sequence.complete) {
      finish(sequence, FinishReason.STOP);
    } else if (sequence.generated() >= sequence.request.maxTokens() || sequence.length >= model.contextLength()) {
      finish(sequence, FinishReason.LENGTH);
    }
  }

  private EngineLoad measure(int rows) {
    int used = configuration.kvPages() - cache.availablePages();
    return new EngineLoad(scheduler.running().size(), scheduler.waiting().size() + inbox.size(), 0,
        configuration.queueCapacity(), used, cache.cachedPages(), configuration.kvPages(), rows, promptTokens,
        reusedPromptTokens, generatedTokens, steps, 0, 0);
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
