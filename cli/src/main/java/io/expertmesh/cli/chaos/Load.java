package io.expertmesh.cli.chaos;

import io.expertmesh.cli.chaos.CompletionClient.Completion;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Clients that ask one question after the other and compare each answer with the expected one. */
final class Load implements AutoCloseable {
  /**
   * What a client saw of a request.
   *
   * @param tokenNanos when its tokens came, in {@link System#nanoTime}
   * @param failure null if the answer was complete
   * @param wrong whether a token or a log-probability was not the expected one
   */
  record Observation(long startNanos, long[] tokenNanos, @Nullable String failure, boolean wrong) {}

  private final List<String> gateways;
  private final List<Question> questions;
  private final int tokens;
  private final double tolerance;
  private final Queue<Observation> observations = new ConcurrentLinkedQueue<>();
  private final AtomicInteger next = new AtomicInteger();
  private final CompletionClient client = new CompletionClient();
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean stopping;

  /**
   * Starts {@code clients} clients, which take turns among the gateways.
   *
   * @param tolerance of log-probabilities; 0 for the same bits
   */
  Load(List<String> gateways, List<Question> questions, int tokens, int clients, double tolerance) {
    this.gateways = List.copyOf(gateways);
    this.questions = List.copyOf(questions);
    this.tokens = tokens;
    this.tolerance = tolerance;
    for (int i = 0; i < clients; i++) {
      threads.add(Thread.ofVirtual().name("client-" + i).start(this::ask));
    }
  }

  private void ask() {
    while (!stopping) {
      int turn = next.getAndIncrement();
      Question question = questions.get(turn % questions.size());
      long start = System.nanoTime();
      try {
        Completion answer = client.complete(gateways.get(turn % gateways.size()), question.promptIds(), tokens);
        observations
            .add(new Observation(start, answer.tokenNanos(), null, !question.isAnsweredBy(answer.tokens(), tolerance)));
      } catch (IOException failed) {
        observations.add(new Observation(start, new long[0], String.valueOf(failed.getMessage()), false));
      } catch (InterruptedException cancelled) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Lets the requests that run finish and returns all observations. */
  List<Observation> finish() throws InterruptedException {
    stopping = true;
    for (Thread thread : threads) {
      thread.join();
    }
    return List.copyOf(observations);
  }

  @Override
  public void close() {
    stopping = true;
    threads.forEach(Thread::interrupt);
    client.close();
  }
}
