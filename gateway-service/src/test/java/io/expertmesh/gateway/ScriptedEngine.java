package io.expertmesh.gateway;

import io.expertmesh.engine.api.Degradation;
import io.expertmesh.engine.api.EngineLoad;
import io.expertmesh.engine.api.FinishReason;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEngine;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An engine that repeats the prompt, pauses and fails when a test says so. */
public final class ScriptedEngine implements GenerationEngine {
  private final Set<Scripted> open = ConcurrentHashMap.newKeySet();
  private volatile int capacity = Integer.MAX_VALUE;
  private volatile int failAfter = Integer.MAX_VALUE;
  private volatile List<Degradation> degraded = List.of();
  private volatile @Nullable GenerationRequest last;
  private volatile @Nullable Semaphore gate;
  private volatile int @Nullable [] answer;
  private volatile boolean draining;

  /** Answers so many requests at a time and refuses more. */
  void capacity(int requests) {
    capacity = requests;
  }

  /** Gives requests up after so many tokens. */
  void failAfter(int tokens) {
    failAfter = tokens;
  }

  /** Answers with these tokens, again and again, and no longer with the prompt's. */
  void answer(int... ids) {
    answer = ids;
  }

  /** Answers end as if these experts had been missing. */
  void degraded(List<Degradation> missing) {
    degraded = missing;
  }

  /** The request that came last. */
  GenerationRequest last() {
    GenerationRequest request = last;
    if (request == null) {
      throw new AssertionError("no request came");
    }
    return request;
  }

  /** From now on each event needs a permit of the returned semaphore. */
  Semaphore pause() {
    Semaphore permits = new Semaphore(0);
    gate = permits;
    return permits;
  }

  /** Requests that were neither finished nor cancelled. */
  public int running() {
    return open.size();
  }

  @Override
  public Generation submit(GenerationRequest request) {
    if (draining) {
      throw new FailureException(FailureCategory.UNAVAILABLE, "The engine is stopping.");
    }
    if (open.size() >= capacity) {
      throw new FailureException(FailureCategory.OVERLOADED, "The queue is full.");
    }
    last = request;
    Scripted generation = new Scripted(request);
    open.add(generation);
    Thread.ofVirtual().start(generation);
    return generation;
  }

  @Override
  public EngineLoad load() {
    return new EngineLoad(open.size(), 16, 0, 0, 64, 3, 2, 12, 1, 100, 40, 50, 60, 7, 8);
  }

  @Override
  public long[][] tokensPerExpert() {
    return new long[][]{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, new long[16]};
  }

  @Override
  public void drain(Duration timeout) throws InterruptedException {
    draining = true;
    long deadline = System.nanoTime() + timeout.toNanos();
    for (Scripted generation : open) {
      generation.thread().join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
      generation.fail(new FailureException(FailureCategory.UNAVAILABLE, "The server is stopping."));
    }
  }

  @Override
  public void close() {
    open.forEach(Scripted::close);
  }

  private final class Scripted implements Generation, Runnable {
    private final GenerationRequest request;
    private final BlockingQueue<GenerationEvent> events = new LinkedBlockingQueue<>();
    private volatile boolean stopped;
    private volatile boolean closed;
    private volatile @Nullable Thread thread;

    Scripted(GenerationRequest request) {
      this.request = request;
    }

    Thread thread() {
      Thread running = thread;
      return running == null ? Thread.currentThread() : running;
    }

    @Override
    public void run() {
      thread = Thread.currentThread();
      int[] prompt = request.promptIds();
      List<@Nullable TokenLogprobs> promptLogprobs = new ArrayList<>();
      List<TokenRouting> promptRouting = new ArrayList<>();
      for (int i = 0; i < prompt.length; i++) {
        if (request.promptLogprobs() >= 0) {
          promptLogprobs.add(i == 0 ? null : logprobs(prompt[i], request.promptLogprobs()));
        }
        if (request.returnRouting()) {
          promptRouting.add(routing(prompt[i]));
        }
      }
      emit(new GenerationEvent.PromptDone(promptLogprobs, promptRouting, 0));
      int generated = 0;
      FinishReason reason = FinishReason.LENGTH;
      List<TokenRouting> routing = new ArrayList<>();
      while (generated < request.maxTokens() && !closed) {
        if (generated == failAfter) {
          fail(new FailureException(FailureCategory.UNAVAILABLE, "An expert is gone."));
          return;
        }
        int[] said = answer == null ? prompt : answer;
        int id = said[generated % said.length];
        emit(new GenerationEvent.Token(id, request.logprobs() < 0 ? null : logprobs(id, request.logprobs())));
        generated++;
        if (request.stopTokenIds().contains(id) || stopped) {
          reason = FinishReason.STOP;
          break;
        }
        if (request.returnRouting() && generated < request.maxTokens()) {
          routing.add(routing(id));
        }
      }
      open.remove(this);
      events.add(new GenerationEvent.Finished(reason, prompt.length, generated, routing, degraded));
    }

    private void emit(GenerationEvent event) {
      Semaphore permits = gate;
      if (permits != null) {
        try {
          while (!closed && !permits.tryAcquire(5, TimeUnit.MILLISECONDS)) {
            // Waits for the test's permission or the end.
          }
        } catch (InterruptedException interrupted) {
          closed = true;
        }
      }
      events.add(event);
    }

    void fail(FailureException failure) {
      if (open.remove(this)) {
        closed = true;
        events.add(new GenerationEvent.Failed(failure));
      }
    }

    private static TokenLogprobs logprobs(int id, int top) {
      List<TokenLogprobs.Alternative> alternatives = new ArrayList<>();
      for (int i = 0; i < top; i++) {
        alternatives.add(new TokenLogprobs.Alternative(id + i, -0.5f - i));
      }
      return new TokenLogprobs(id, -0.5f, 0, alternatives);
    }

    private static TokenRouting routing(int id) {
      return new TokenRouting(new int[][]{{id % 16, 1}, {2, 3}}, new float[][]{{0.75f, 0.25f}, {0.5f, 0.5f}});
    }

    @Override
    public @Nullable GenerationEvent next(Duration timeout) throws InterruptedException {
      return events.poll(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void stop() {
      stopped = true;
    }

    @Override
    public void close() {
      closed = true;
      open.remove(this);
    }
  }
}
