package io.expertmesh.engine;

import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.engine.schedule.EngineConfiguration;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import io.expertmesh.model.family.BoundModel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** Models of the repository and short ways to run them. */
public final class TestModels {
  public static final Path DEMO = Path.of("../models/demo");
  public static final Path GOLDEN = Path.of("../model/src/test/resources/golden");
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private TestModels() {}

  static boolean forcedKernelsFitTheMachine() {
    String forced = System.getProperty(KernelSelection.PROPERTY, "");
    return !forced.startsWith("vector-")
        || Integer.parseInt(forced.substring("vector-".length())) <= KernelSelection.widestVectorBits();
  }

  /** What a request came to. */
  public record Result(List<GenerationEvent> events) {
    public List<Integer> tokens() {
      List<Integer> ids = new ArrayList<>();
      for (GenerationEvent event : events) {
        if (event instanceof GenerationEvent.Token token) {
          ids.add(token.id());
        }
      }
      return ids;
    }

    public GenerationEvent last() {
      return events.getLast();
    }

    public GenerationEvent.PromptDone prompt() {
      return (GenerationEvent.PromptDone) events.getFirst();
    }
  }

  public static BoundModel demo(Kernels kernels) {
    return BoundModel.of(SafetensorsCheckpoint.open(DEMO), kernels);
  }

  public static BoundModel golden(String name, Kernels kernels) {
    return BoundModel.of(SafetensorsCheckpoint.open(GOLDEN.resolve(name)), kernels);
  }

  /** An engine with one thread and room for everything. */
  public static BatchingEngine engine(BoundModel model) {
    return engine(model, new EngineConfiguration(1, 16, 64, 64, 16, 512));
  }

  public static BatchingEngine engine(BoundModel model, EngineConfiguration configuration) {
    return BatchingEngine.start(model.architecture(), model.weights(), KernelSelection.kernels(), configuration);
  }

  public static GenerationRequest greedy(int[] prompt, int maxTokens) {
    return new GenerationRequest("test", prompt, maxTokens, SamplingParameters.GREEDY, Set.of(), 5, -1, false, null);
  }

  /** Takes all events of a generation. */
  public static Result take(Generation generation) {
    try (generation) {
      List<GenerationEvent> events = new ArrayList<>();
      while (true) {
        GenerationEvent event = generation.next(PATIENCE);
        if (event == null) {
          throw new AssertionError("no event for " + PATIENCE + " after " + events);
        }
        events.add(event);
        if (event instanceof GenerationEvent.Finished || event instanceof GenerationEvent.Failed) {
          return new Result(events);
        }
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  public static int[] randomPrompt(long seed, int length, int vocabulary) {
    return new SplittableRandom(seed).ints(length, 0, vocabulary).toArray();
  }
}
