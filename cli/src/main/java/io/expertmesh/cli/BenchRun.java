package io.expertmesh.cli;

import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.text.DecoderStart;
import io.expertmesh.engine.text.ServedModel;
import io.expertmesh.model.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Runs batches of random prompts through the engine and takes the time. */
final class BenchRun {
  /**
   * @param prefillTokensPerSecond all prompt tokens over the time until every request has its first token
   * @param decodeTokensPerSecond tokens generated after that moment over the time until the last of them
   */
  record Speed(double prefillTokensPerSecond, double decodeTokensPerSecond) {}

  private static final Duration WAIT = Duration.ofSeconds(1);

  private final ServedModel model;
  private final int promptTokens;
  private final int generatedTokens;
  private final int batch;

  BenchRun(ServedModel model, int promptTokens, int generatedTokens, int batch) {
    this.model = model;
    this.promptTokens = promptTokens;
    this.generatedTokens = generatedTokens;
    this.batch = batch;
  }

  /** One batch; another {@code seed} gives other prompts, so that nothing comes from the prefix cache. */
  Speed run(long seed) throws InterruptedException {
    Random random = new Random(seed);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < batch; i++) {
      requests.add(request("bench-" + seed + "-" + i, random));
    }
    List<Future<long[]>> running = new ArrayList<>();
    List<long[]> tokenTimes = new ArrayList<>();
    long start = System.nanoTime();
    try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (GenerationRequest request : requests) {
        Generation generation = model.engine().submit(request);
        running.add(readers.submit(() -> tokenTimes(generation)));
      }
      for (Future<long[]> one : running) {
        tokenTimes.add(one.get());
      }
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(failed);
    }
    return speed(start, tokenTimes);
  }

  /** Of an encoder-decoder model the prompt is what the encoder reads. Tokens that repeat would all visit the same experts, so they are drawn from the whole vocabulary. */
  private GenerationRequest request(String id, Random random) {
    Tokenizer tokenizer = model.tokenizer();
    int vocabulary = Math.min(model.vocabularySize(), tokenizer.size());
    int[] prompt = new int[promptTokens];
    for (int i = 0; i < prompt.length; i++) {
      do {
        prompt[i] = random.nextInt(vocabulary);
      } while (tokenizer.isSpecial(prompt[i]));
    }
    DecoderStart start = model.decoderStart();
    return start == null
        ? request(id, prompt)
        : request(id, start.promptIds()).with(start.input(prompt));
  }

  private GenerationRequest request(String id, int[] prompt) {
    return new GenerationRequest(id, prompt, generatedTokens, SamplingParameters.GREEDY, Set.of(), -1, -1, false, null);
  }

  /** When each token came, in {@link System#nanoTime}. */
  private static long[] tokenTimes(Generation generation) throws InterruptedException {
    List<Long> times = new ArrayList<>();
    try (generation) {
      while (true) {
        switch (generation.next(WAIT)) {
          case GenerationEvent.Token _ -> times.add(System.nanoTime());
          case GenerationEvent.Finished _ -> {
            return times.stream().mapToLong(Long::longValue).toArray();
          }
          case GenerationEvent.Failed failed -> throw failed.failure();
          case GenerationEvent.PromptDone _ -> {
            // the first token tells the time
          }
          case null -> {
            // still running
          }
        }
      }
    }
  }

  private Speed speed(long start, List<long[]> tokenTimes) {
    long allStarted = start;
    long end = start;
    for (long[] times : tokenTimes) {
      allStarted = Math.max(allStarted, times[0]);
      end = Math.max(end, times[times.length - 1]);
    }
    long decoded = 0;
    for (long[] times : tokenTimes) {
      for (long time : times) {
        if (time > allStarted) {
          decoded++;
        }
      }
    }
    return new Speed(perSecond((long) batch * promptTokens, allStarted - start), perSecond(decoded, end - allStarted));
  }

  private static double perSecond(long tokens, long nanos) {
    return Math.round(tokens * 1e11 / nanos) / 100.0;
  }
}
