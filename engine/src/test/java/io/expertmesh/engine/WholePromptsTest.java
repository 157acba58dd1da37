package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.TestModels.Result;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.api.WhenUnavailable;
import io.expertmesh.engine.sampling.Logprobs;
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
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Models whose experts have a capacity: the tokens of a prompt, and no others, decide together what is dropped. */
class WholePromptsTest {
  private static final int GENERATED = 8;
  private static final Kernels KERNELS = KernelSelection.kernels();
  private static final BoundModel TIGHT = TestModels.golden("openmoe-tight-f32", KERNELS);
  private static final int VOCABULARY = TIGHT.architecture().vocabularySize();
  private static final List<GenerationRequest> REQUESTS = IntStream.range(0, 6)
      .mapToObj(i -> scored(TestModels.randomPrompt(i, 1 + 11 * i, VOCABULARY), GENERATED)).toList();

  private static GenerationRequest scored(int[] prompt, int maxTokens) {
    return new GenerationRequest("test", prompt, maxTokens, SamplingParameters.GREEDY, Set.of(), 5, 5, true, null);
  }

  private static Result run(BoundModel model, EngineConfiguration configuration, GenerationRequest request) {
    try (BatchingEngine engine = TestModels.engine(model, configuration)) {
      return TestModels.take(engine.submit(request));
    }
  }

  private static Result alone(GenerationRequest request) {
    return run(TIGHT, new EngineConfiguration(1, 1, 4, 256, 16, 64), request);
  }

  /** Log-probabilities of every token after the first. */
  private static List<TokenLogprobs> logprobs(Result result) {
    List<TokenLogprobs> all = new ArrayList<>(result.prompt().logprobs().subList(1, result.prompt().logprobs().size()));
    for (GenerationEvent event : result.events()) {
      if (event instanceof GenerationEvent.Token token) {
        all.add(Objects.requireNonNull(token.logprobs()));
      }
    }
    return all;
  }

  private static int dropped(Result result) {
    int dropped = 0;
    for (TokenRouting routing : result.prompt().routing()) {
      for (float[] weights : routing.weights()) {
        for (float weight : weights) {
          dropped += weight == 0 ? 1 : 0;
        }
      }
    }
    return dropped;
  }

  private static int[] sequence(int[] prompt, Result result) {
    return IntStream.concat(Arrays.stream(prompt), result.tokens().stream().mapToInt(id -> id)).toArray();
  }

  /** The steps have room for 8 rows, the pages for 4 positions, and the prompt has 41 tokens. */
  @ParameterizedTest
  @CsvSource({"openmoe-base-f32, false", "openmoe-drop-f32, true", "openmoe-tight-f32, true"})
  void theEngineGivesTheBitsOfTheReferenceDecoder(String name, boolean drops) {
    BoundModel scalar = TestModels.golden(name, new ScalarKernels());
    int[] prompt = TestModels.randomPrompt(7, 41, VOCABULARY);
    Result result = run(TestModels.golden(name, KERNELS), new EngineConfiguration(2, 4, 4, 8, 4, 64),
        scored(prompt, GENERATED));
    assertThat(dropped(result) > 0).isEqualTo(drops);
    int[] all = sequence(prompt, result);
    float[] logits = new ReferenceDecoder(scalar.architecture(), scalar.weights(), (stage, values) -> {})
        .logits(all, prompt.length);
    List<TokenLogprobs> expected = new ArrayList<>();
    for (int i = 1; i < all.length; i++) {
      expected.add(Logprobs.of(logits, (i - 1) * VOCABULARY, VOCABULARY, all[i], 5));
    }
    assertThat(logprobs(result)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"8, 1, 1", "40, 2, 1", "40, 3, 5", "256, 3, 20"})
  void aBatchGivesWhatEachRequestGivesAlone(int stepRows, int parts, int partRows) {
    try (ScriptedExperts experts = new ScriptedExperts(TIGHT, KERNELS, parts);
        BatchingEngine engine = BatchingEngine.start(TIGHT.architecture(), TIGHT.weights(), KERNELS,
            new EngineConfiguration(2, 8, 16, stepRows, 4, 256, partRows), experts)) {
      List<Generation> running = experts.whileStopped(() -> REQUESTS.stream().map(engine::submit).toList());
      for (int i = 0; i < running.size(); i++) {
        assertThat(logprobs(TestModels.take(running.get(i)))).as("request %d", i)
            .isEqualTo(logprobs(alone(REQUESTS.get(i))));
      }
      assertThat(experts.mostInFlight()).isBetween(Math.min(2, parts), parts);
    }
  }

  /** Another prompt with the same beginning has other counts, so nothing of it is taken over. */
  @Test
  void noPrefixIsReused() {
    int[] prompt = TestModels.randomPrompt(8, 40, VOCABULARY);
    try (BatchingEngine engine = TestModels.engine(TIGHT, new EngineConfiguration(1, 4, 16, 64, 4, 256))) {
      Result first = TestModels.take(engine.submit(TestModels.greedy(prompt, GENERATED)));
      Result again = TestModels.take(engine.submit(TestModels.greedy(prompt, GENERATED)));
      assertThat(again.events()).isEqualTo(first.events());
      int[] longer = sequence(prompt, first);
      Result continued = TestModels.take(engine.submit(TestModels.greedy(longer, GENERATED)));
      assertThat(continued.prompt().reusedTokens()).isZero();
      assertThat(continued.events()).isEqualTo(alone(TestModels.greedy(longer, GENERATED)).events());
      assertThat(engine.load().kvPagesCached()).isZero();
    }
  }

  /** Pages for two sequences and six that want them: what was generated is recomputed without capacity. */
  @Test
  void aPreemptedRequestGivesWhatAnUndisturbedOneGives() {
    List<GenerationRequest> requests = IntStream.range(0, 6)
        .mapToObj(i -> TestModels.greedy(TestModels.randomPrompt(60 + i, 20, VOCABULARY), 40)).toList();
    List<Result> alone = requests.stream().map(WholePromptsTest::alone).toList();
    try (BatchingEngine engine = TestModels.engine(TIGHT, new EngineConfiguration(1, 6, 64, 8, 4, 30))) {
      List<Generation> running = requests.stream().map(engine::submit).toList();
      for (int i = 0; i < running.size(); i++) {
        assertThat(TestModels.take(running.get(i)).events()).as("request %d", i).isEqualTo(alone.get(i).events());
      }
      assertThat(engine.load().steps()).isGreaterThan(40);
      assertThat(engine.load().kvPagesUsed()).isZero();
    }
  }

  @Test
  void aPromptAsLongAsTheContextGoesThroughWhole() {
    int[] prompt = TestModels.randomPrompt(9, TIGHT.architecture().contextLength(), VOCABULARY);
    Result result = run(TIGHT, new EngineConfiguration(1, 2, 4, 4, 4, 64), scored(prompt, 0));
    assertThat(logprobs(result)).isEqualTo(logprobs(alone(scored(prompt, 0))));
  }

  /** With one layer of experts, what reaches the gate is the same with and without them. */
  @ParameterizedTest
  @EnumSource(names = {"SUBSTITUTE", "DROP"})
  void whatWasDroppedStaysDroppedWhenExpertsAreMissing(UnavailablePolicy policy) {
    BoundModel model = TestModels.golden("openmoe-drop-f32", KERNELS);
    GenerationRequest request = scored(TestModels.randomPrompt(10, 30, VOCABULARY), 0);
    EngineConfiguration configuration = new EngineConfiguration(1, 2, 4, 64, 4, 64);
    Result undisturbed = run(model, configuration, request);
    assertThat(dropped(undisturbed)).isPositive();
    List<TokenRouting> healthy = undisturbed.prompt().routing();
    int concerned = 0;
    for (int missing = 0; missing < model.architecture().experts(); missing++) {
      int expert = missing;
      boolean tokenWithoutOther = healthy.stream().anyMatch(token -> kept(token).equals(List.of(expert)));
      try (ScriptedExperts experts = new ScriptedExperts(model, KERNELS, 1);
          BatchingEngine engine = BatchingEngine.start(model.architecture(), model.weights(), KERNELS, configuration,
              experts)) {
        experts.gone(missing);
        Result result = TestModels.take(engine.submit(request.with(WhenUnavailable.of(policy))));
        boolean fails = policy == UnavailablePolicy.DROP && tokenWithoutOther;
        assertThat(result.last() instanceof GenerationEvent.Failed).as("without %d", missing).isEqualTo(fails);
        for (int t = 0; t < healthy.size() && !fails; t++) {
          concerned += check(healthy.get(t), result.prompt().routing().get(t), missing) ? 1 : 0;
        }
      }
    }
    assertThat(concerned).isPositive();
  }

  /** The experts that count. */
  private static List<Integer> kept(TokenRouting token) {
    return IntStream.range(0, 2).filter(rank -> token.weights()[0][rank] != 0)
        .mapToObj(rank -> token.experts()[0][rank]).toList();
  }

  /** True if the token needed the missing expert. */
  private static boolean check(TokenRouting healthy, TokenRouting actual, int missing) {
    if (!kept(healthy).contains(missing)) {
      assertThat(actual.experts()[0]).isEqualTo(healthy.experts()[0]);
      assertThat(actual.weights()[0]).isEqualTo(healthy.weights()[0]);
      return false;
    }
    List<Integer> dropped = IntStream.range(0, 2).filter(rank -> healthy.weights()[0][rank] == 0)
        .mapToObj(rank -> healthy.experts()[0][rank]).toList();
    assertThat(kept(actual)).doesNotContain(missing).noneMatch(dropped::contains)
        .hasSizeLessThanOrEqualTo(kept(healthy).size());
    return true;
  }
}
