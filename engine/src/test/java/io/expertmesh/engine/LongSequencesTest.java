package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.TestModels.Result;
import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.sampling.Logprobs;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.engine.schedule.EngineConfiguration;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.family.BoundModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model that rotates sequences of more than 40 tokens otherwise, as LongRoPE does. */
class LongSequencesTest {
  private static final String MODEL = "phimoe-longrope-f32";
  private static final int CONTEXT = 40;
  private static final int LOGPROBS = 3;
  private static final EngineConfiguration WHOLE = new EngineConfiguration(1, 1, 4, 256, 16, 64);

  private final BoundModel model = TestModels.golden(MODEL, KernelSelection.kernels());

  /** Every token is what the tokens before it give as a prompt, on both sides of the border. */
  @ParameterizedTest
  @CsvSource({"1, 64, 4", "1, 5, 4", "2, 4, 16"})
  void anAnswerAcrossTheBorderIsThatOfPromptsOfEachLength(int threads, int stepRows, int pageTokens) {
    int[] prompt = prompt(0, CONTEXT - 3);
    BoundModel scalar = TestModels.golden(MODEL, new ScalarKernels());
    int vocabulary = scalar.architecture().vocabularySize();
    assertThat(scalar.architecture().rotaryContext()).isEqualTo(CONTEXT);
    ReferenceDecoder reference = new ReferenceDecoder(scalar.architecture(), scalar.weights(), (stage, values) -> {});
    Result result;
    try (BatchingEngine engine = TestModels.engine(model,
        new EngineConfiguration(threads, 4, 4, stepRows, pageTokens, 64))) {
      result = TestModels.take(engine.submit(request(prompt, 8)));
    }
    int[] all = IntStream.concat(IntStream.of(prompt), result.tokens().stream().mapToInt(id -> id)).toArray();
    float[] inOne = reference.logits(all, prompt.length);
    List<GenerationEvent.Token> tokens = result.events().stream().filter(GenerationEvent.Token.class::isInstance)
        .map(GenerationEvent.Token.class::cast).toList();
    assertThat(tokens).hasSize(8);
    for (int i = 0; i < tokens.size(); i++) {
      int length = prompt.length + i;
      float[] logits = reference.logits(Arrays.copyOf(all, length));
      int last = (length - 1) * vocabulary;
      assertThat(tokens.get(i).logprobs()).as("token %d", i)
          .isEqualTo(Logprobs.of(logits, last, vocabulary, all[length], LOGPROBS))
          .isEqualTo(Logprobs.of(inOne, last, vocabulary, all[length], LOGPROBS));
    }
  }

  @Test
  void shortAndLongSequencesShareNoPrefix() {
    int[] longer = prompt(1, CONTEXT + 10);
    int[] shorter = Arrays.copyOf(longer, CONTEXT - 5);
    try (BatchingEngine engine = TestModels.engine(model, WHOLE)) {
      Result fresh = TestModels.take(engine.submit(request(longer, 2)));
      assertThat(TestModels.take(engine.submit(request(shorter, 2))).prompt().reusedTokens()).isZero();
      Result again = TestModels.take(engine.submit(request(longer, 2)));
      assertThat(again.prompt().reusedTokens()).isEqualTo(48);
      assertThat(again.tokens()).isEqualTo(fresh.tokens());
      assertThat(TestModels.take(engine.submit(request(shorter, 2))).prompt().reusedTokens()).isEqualTo(32);
    }
  }

  /** Several cross the border at once, with pages for not all of them. */
  @Test
  void aBatchThatCrossesTheBorderGivesWhatEachGivesAlone() {
    List<int[]> prompts = IntStream.range(0, 6).mapToObj(i -> prompt(10 + i, CONTEXT - 4 + i)).toList();
    List<List<Integer>> alone = new ArrayList<>();
    try (BatchingEngine engine = TestModels.engine(model, WHOLE)) {
      prompts.forEach(p -> alone.add(TestModels.take(engine.submit(request(p, 12))).tokens()));
    }
    try (BatchingEngine engine = TestModels.engine(model, new EngineConfiguration(2, 8, 8, 24, 4, 40))) {
      List<Generation> running = prompts.stream().map(p -> engine.submit(request(p, 12))).toList();
      for (int i = 0; i < running.size(); i++) {
        assertThat(TestModels.take(running.get(i)).tokens()).as("request %d", i).isEqualTo(alone.get(i));
      }
    }
  }

  private int[] prompt(long seed, int length) {
    return TestModels.randomPrompt(seed, length, model.architecture().vocabularySize());
  }

  private static GenerationRequest request(int[] prompt, int tokens) {
    return new GenerationRequest("test", prompt, tokens, SamplingParameters.GREEDY, Set.of(), LOGPROBS, -1, false,
        null);
  }
}
