package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.TestModels.Result;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.engine.schedule.EngineConfiguration;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.family.BoundModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same request gives the same bits however it is computed. The build runs this class with scalar kernels and with
 * vectors of each width that the machine has.
 */
@Tag("exactness")
@EnabledIf("io.expertmesh.engine.TestModels#forcedKernelsFitTheMachine")
class ExactnessTest {
  private static final int GENERATED = 8;
  private static final Kernels KERNELS = KernelSelection.kernels();
  private static final BoundModel MODEL = TestModels.demo(KERNELS);
  private static final int VOCABULARY = MODEL.architecture().vocabularySize();

  @BeforeAll
  static void theForcedKernelsRun() {
    String forced = System.getProperty(KernelSelection.PROPERTY);
    if (forced != null) {
      assertThat(KERNELS.name()).isEqualTo(forced);
    }
    System.out.println("exactness with kernels " + KERNELS.name());
  }

  /** Cached, chunked and computed with these kernels: the bits of the scalar, uncached reference decoder. */
  @ParameterizedTest
  @ValueSource(
      strings = {"olmoe-base-f32", "olmoe-gqa-f32", "olmoe-clip-f32", "olmoe-normtopk-f32", "olmoe-bf16", "demo"})
  void theEngineGivesTheBitsOfTheReferenceDecoder(String name) {
    BoundModel model = name.equals("demo") ? MODEL : TestModels.golden(name, KERNELS);
    BoundModel scalar = name.equals("demo")
        ? TestModels.demo(new ScalarKernels())
        : TestModels.golden(name, new ScalarKernels());
    int vocabulary = model.architecture().vocabularySize();
    int[] prompt = TestModels.randomPrompt(7, 29, vocabulary);
    try (BatchingEngine engine = TestModels.engine(model, new EngineConfiguration(2, 4, 4, 8, 4, 64))) {
      Result result = TestModels.take(engine.submit(withPromptLogprobs(prompt, 6)));
      int[] all = concatenate(prompt, result.tokens());
      float[] logits = new ReferenceDecoder(scalar.architecture(), scalar.weights(), (stage, values) -> {}).logits(all);
      List<TokenLogprobs> actual = new ArrayList<>(result.prompt().logprobs().subList(1, prompt.length));
      actual.addAll(generatedLogprobs(result));
      for (int i = 1; i < all.length; i++) {
        assertThat(actual.get(i - 1)).as("position %d of %s", i, name).isEqualTo(
            io.expertmesh.engine.sampling.Logprobs.of(logits, (i - 1) * vocabulary, vocabulary, all[i], 5));
      }
    }
  }

  @Test
  void aBatchGivesWhatEachRequestGivesAlone() {
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      prompts.add(TestModels.randomPrompt(i, 1 + 13 * i, VOCABULARY));
    }
    List<List<GenerationEvent>> alone = new ArrayList<>();
    try (BatchingEngine engine = TestModels.engine(MODEL, new EngineConfiguration(1, 1, 64, 256, 16, 512))) {
      for (int[] prompt : prompts) {
        alone.add(TestModels.take(engine.submit(TestModels.greedy(prompt, GENERATED))).events());
      }
    }
    for (int threads = 1; threads <= 2; threads++) {
      try (BatchingEngine engine = TestModels.engine(MODEL, new EngineConfiguration(threads, 16, 64, 48, 16, 512))) {
        List<Generation> running = prompts.stream().map(p -> engine.submit(TestModels.greedy(p, GENERATED))).toList();
        for (int i = 0; i < running.size(); i++) {
          assertThat(TestModels.take(running.get(i)).events()).as("request %d, %d threads", i, threads)
              .isEqualTo(alone.get(i));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7})
  void chunkedPrefillGivesWhatTheWholePromptGives(int stepRows) {
    int[] prompt = TestModels.randomPrompt(3, 70, VOCABULARY);
    Result whole = run(new EngineConfiguration(1, 1, 4, 256, 16, 64), withPromptLogprobs(prompt, GENERATED));
    Result chunked = run(new EngineConfiguration(2, 1, 4, stepRows, 16, 64), withPromptLogprobs(prompt, GENERATED));
    assertThat(chunked.events()).isEqualTo(whole.events());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5})
  void theSizeOfAPageDoesNotMatter(int pageTokens) {
    int[] prompt = TestModels.randomPrompt(4, 40, VOCABULARY);
    Result expected = run(new EngineConfiguration(1, 1, 4, 256, 16, 64), TestModels.greedy(prompt, GENERATED));
    Result actual = run(new EngineConfiguration(1, 1, 4, 256, pageTokens, 200), TestModels.greedy(prompt, GENERATED));
    assertThat(actual.events()).isEqualTo(expected.events());
  }

  @Test
  void aReusedPrefixGivesWhatAFreshOneGives() {
    int[] prefix = TestModels.randomPrompt(5, 64, VOCABULARY);
    int[] prompt = concatenate(prefix, List.of(17, 4, 99));
    Result fresh = run(new EngineConfiguration(1, 1, 4, 256, 16, 64), TestModels.greedy(prompt, GENERATED));
    try (BatchingEngine engine = TestModels.engine(MODEL)) {
      TestModels.take(engine.submit(TestModels.greedy(concatenate(prefix, List.of(1)), 3)));
      Result reused = TestModels.take(engine.submit(TestModels.greedy(prompt, GENERATED)));
      assertThat(reused.prompt().reusedTokens()).isEqualTo(64);
      assertThat(reused.events().subList(1, reused.events().size()))
          .isEqualTo(fresh.events().subList(1, fresh.events().size()));
    }
  }

  /** With pages for two sequences and six that want them, the youngest are preempted and computed again. */
  @Test
  void aPreemptedRequestGivesWhatAnUndisturbedOneGives() {
    EngineConfiguration tight = new EngineConfiguration(1, 6, 64, 64, 4, 30);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      SamplingParameters drawn = new SamplingParameters(0.9f, 40, 0.95f, 0, 1.1f, 0.1f, 0.1f, java.util.Map.of(),
          100L + i);
      requests
          .add(new GenerationRequest("r" + i, TestModels.randomPrompt(50 + i, 20, VOCABULARY), 40, drawn, Set.of(), 2,
              -1, i % 2 == 0, null));
    }
    List<List<Integer>> alone = requests.stream()
        .map(r -> run(new EngineConfiguration(1, 1, 4, 64, 4, 30), r).tokens()).toList();
    try (BatchingEngine engine = TestModels.engine(MODEL, tight)) {
      List<Generation> running = requests.stream().map(engine::submit).toList();
      for (int i = 0; i < running.size(); i++) {
        assertThat(TestModels.take(running.get(i)).tokens()).as("request %d", i).isEqualTo(alone.get(i));
      }
      assertThat(engine.load().kvPagesUsed()).isZero();
    }
  }

  private static Result run(EngineConfiguration configuration, GenerationRequest request) {
    try (BatchingEngine engine = TestModels.engine(MODEL, configuration)) {
      return TestModels.take(engine.submit(request));
    }
  }

  private static GenerationRequest withPromptLogprobs(int[] prompt, int maxTokens) {
    return new GenerationRequest("test", prompt, maxTokens, SamplingParameters.GREEDY, Set.of(), 5, 5, false, null);
  }

  private static List<TokenLogprobs> generatedLogprobs(Result result) {
    List<TokenLogprobs> logprobs = new ArrayList<>();
    for (GenerationEvent event : result.events()) {
      if (event instanceof GenerationEvent.Token token) {
        logprobs.add(Objects.requireNonNull(token.logprobs()));
      }
    }
    return logprobs;
  }

  private static int[] concatenate(int[] prompt, List<Integer> more) {
    int[] all = Arrays.copyOf(prompt, prompt.length + more.size());
    for (int i = 0; i < more.size(); i++) {
      all[prompt.length + i] = more.get(i);
    }
    return all;
  }
}
