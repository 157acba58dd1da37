package io.expertmesh.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.kernels.Numerics;
import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/** Sixteen requests to the demo model, and all that it answers: every token and every bit of the log-probabilities. */
final class DemoRequests {
  static final Checkpoint DEMO = SafetensorsCheckpoint.open(Path.of("../models/demo"));
  private static final int VOCABULARY = 1024;
  static final List<GenerationRequest> ALL = make();

  private DemoRequests() {}

  /** The answers, one after the other and all at once, which are the same. */
  static List<List<GenerationEvent>> answersInOneProcess() {
    try (EmbeddedModel embedded = EmbeddedModel.open(DEMO, "demo", List.of(), Numerics.EXACT, 1)) {
      List<List<GenerationEvent>> expected = answers(embedded, 1);
      assertThat(answers(embedded, 16)).isEqualTo(expected);
      return expected;
    }
  }

  private static List<GenerationRequest> make() {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      int[] prompt = new SplittableRandom(i).ints(1 + 5 * i, 0, VOCABULARY).toArray();
      SamplingParameters drawn = new SamplingParameters(0.8f, 50, 0.95f, 0, 1, 0, 0, Map.of(), 7L + i);
      requests.add(new GenerationRequest("r" + i, prompt, 16, i % 2 == 0 ? SamplingParameters.GREEDY : drawn, Set.of(),
          3, i % 4 == 0 ? 2 : -1, false, null));
    }
    return requests;
  }

  /** The events of all requests, so many of which run at once. */
  static List<List<GenerationEvent>> answers(EmbeddedModel model, int batch) {
    List<List<GenerationEvent>> answers = new ArrayList<>();
    for (int from = 0; from < ALL.size(); from += batch) {
      List<Generation> running = ALL.subList(from, from + batch).stream()
          .map(request -> model.served().engine().submit(request)).toList();
      running.forEach(generation -> answers.add(take(generation, () -> {})));
    }
    return answers;
  }

  /** All events, apart from how much of the prompt was in the cache. */
  static List<GenerationEvent> take(Generation generation, Runnable afterEachToken) {
    try (generation) {
      List<GenerationEvent> events = new ArrayList<>();
      while (true) {
        GenerationEvent event = generation.next(Duration.ofSeconds(60));
        switch (event) {
          case null -> throw new AssertionError("no event for a minute after " + events);
          case GenerationEvent.PromptDone prompt ->
            events.add(new GenerationEvent.PromptDone(prompt.logprobs(), prompt.routing(), 0));
          case GenerationEvent.Token token -> {
            events.add(token);
            afterEachToken.run();
          }
          default -> {
            events.add(event);
            return events;
          }
        }
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
