package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.TestModels.Result;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.sampling.Logprobs;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.engine.schedule.EngineConfiguration;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.family.ModelConfig;
import io.expertmesh.model.family.ModelFamilies;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

/** Every golden decoder-only model, of whatever family: the bits of the reference decoder, however the engine comes to them. */
@Tag("exactness")
@EnabledIf("io.expertmesh.engine.TestModels#forcedKernelsFitTheMachine")
class FamiliesExactnessTest {
  private static final int GENERATED = 6;
  private static final int LOGPROBS = 5;
  private static final EngineConfiguration WHOLE = new EngineConfiguration(1, 1, 4, 256, 16, 64);
  /** How a prompt may be computed. */
  private static final List<EngineConfiguration> WAYS = List.of(WHOLE,
      new EngineConfiguration(2, 4, 4, 8, 4, 64), // chunks of 8, pages of 4
      new EngineConfiguration(1, 1, 4, 1, 1, 64)); // token by token

  /**
   * The golden models whose family can be served, or those of {@code -Dexpertmesh.golden=FOLDER}; models with an encoder
   * are for EncoderDecoderTest.
   */
  static List<String> models() {
    String given = System.getProperty("expertmesh.golden", "");
    Path golden = given.isEmpty() ? TestModels.GOLDEN : Path.of(given);
    try (Stream<Path> folders = Files.list(golden)) {
      return folders.filter(folder -> Files.exists(folder.resolve("config.json")))
          .filter(FamiliesExactnessTest::isServedDecoder)
          .map(folder -> given.isEmpty() ? folder.getFileName().toString() : folder.toAbsolutePath().toString())
          .sorted().toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isServedDecoder(Path folder) {
    ModelConfig config = new ModelConfig(folder.toString(),
        JsonMapper.shared().readTree(folder.resolve("config.json")));
    try {
      return ModelFamilies.know(config) && ModelFamilies.of(config).architecture(config).encoder() == null;
    } catch (FailureException refused) {
      return false;
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void wholeOrInChunksThePromptGivesTheBitsOfTheReference(String name) {
    BoundModel model = TestModels.golden(name, KernelSelection.kernels());
    BoundModel scalar = TestModels.golden(name, new ScalarKernels());
    int vocabulary = model.architecture().vocabularySize();
    int[] prompt = TestModels.randomPrompt(7, 29, vocabulary);
    for (EngineConfiguration way : WAYS) {
      Result result = run(model, way, prompt, LOGPROBS);
      int[] all = concatenate(prompt, result.tokens());
      float[] logits = new ReferenceDecoder(scalar.architecture(), scalar.weights(), (stage, values) -> {})
          .logits(all, prompt.length);
      List<TokenLogprobs> actual = logprobs(result, prompt.length);
      for (int i = 1; i < all.length; i++) {
        assertThat(actual.get(i - 1)).as("%s, position %d, %s", name, i, way)
            .isEqualTo(Logprobs.of(logits, (i - 1) * vocabulary, vocabulary, all[i], LOGPROBS));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aBatchGivesWhatEachRequestGivesAlone(String name) {
    BoundModel model = TestModels.golden(name, KernelSelection.kernels());
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      prompts.add(TestModels.randomPrompt(i, 1 + 9 * i, model.architecture().vocabularySize()));
    }
    List<List<GenerationEvent>> alone = prompts.stream().map(p -> run(model, WHOLE, p, -1).events()).toList();
    try (BatchingEngine engine = TestModels.engine(model, new EngineConfiguration(2, 16, 64, 48, 16, 512))) {
      List<Generation> running = prompts.stream().map(p -> engine.submit(request(p, -1))).toList();
      for (int i = 0; i < running.size(); i++) {
        assertThat(TestModels.take(running.get(i)).events()).as("%s, request %d", name, i).isEqualTo(alone.get(i));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aReusedPrefixGivesWhatAFreshOneGives(String name) {
    BoundModel model = TestModels.golden(name, KernelSelection.kernels());
    int[] prefix = TestModels.randomPrompt(5, 32, model.architecture().vocabularySize());
    int[] prompt = concatenate(prefix, List.of(17, 4, 9));
    Result fresh = run(model, WHOLE, prompt, -1);
    try (BatchingEngine engine = TestModels.engine(model, WHOLE)) {
      TestModels.take(engine.submit(request(concatenate(prefix, List.of(1)), -1)));
      Result reused = TestModels.take(engine.submit(request(prompt, -1)));
      assertThat(reused.prompt().reusedTokens()).as(name)
          .isEqualTo(model.architecture().wholePrompts() ? 0 : 32);
      assertThat(reused.events().subList(1, reused.events().size())).as(name)
          .isEqualTo(fresh.events().subList(1, fresh.events().size()));
    }
  }

  private static Result run(BoundModel model, EngineConfiguration configuration, int[] prompt, int promptLogprobs) {
    try (BatchingEngine engine = TestModels.engine(model, configuration)) {
      return TestModels.take(engine.submit(request(prompt, promptLogprobs)));
    }
  }

  private static GenerationRequest request(int[] prompt, int promptLogprobs) {
    return new GenerationRequest("test", prompt, GENERATED, SamplingParameters.GREEDY, Set.of(), LOGPROBS,
        promptLogprobs, false, null);
  }

  /** Of every token but the first. */
  private static List<TokenLogprobs> logprobs(Result result, int promptLength) {
    List<TokenLogprobs> logprobs = new ArrayList<>(result.prompt().logprobs().subList(1, promptLength));
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
