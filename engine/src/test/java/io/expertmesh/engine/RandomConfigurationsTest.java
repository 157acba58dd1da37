package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.TestModels.Result;
import io.expertmesh.engine.api.EncoderInput;
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
import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.family.ModelConfig;
import io.expertmesh.model.family.ModelFamilies;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.node.ObjectNode;

/**
 * Random configurations of every family: requests that run at once, with prompts in chunks, give the bits of the reference
 * decoder.
 */
@Tag("exactness")
@EnabledIf("io.expertmesh.engine.TestModels#forcedKernelsFitTheMachine")
class RandomConfigurationsTest {
  static final List<String> FAMILIES = RandomConfigurations.FAMILIES;
  private static final int EACH = 10;
  private static final int GENERATED = 4;
  private static final int LOGPROBS = 3;
  private static final EngineConfiguration ENGINE = new EngineConfiguration(2, 4, 8, 7, 4, 64);

  @Test
  void everyFamilyIsDrawn() {
    assertThat(FAMILIES).containsExactlyInAnyOrderElementsOf(ModelFamilies.supported());
  }

  @ParameterizedTest
  @FieldSource("FAMILIES")
  void theEngineGivesTheBitsOfTheReference(String family) {
    for (int seed = 0; seed < EACH; seed++) {
      ObjectNode config = RandomConfigurations.draw(family,
          new SplittableRandom(1000L * FAMILIES.indexOf(family) + seed));
      ModelConfig read = new ModelConfig(family + " " + seed, config);
      Architecture architecture = ModelFamilies.of(read).architecture(read);
      check(config.toString(), RandomModel.of(architecture, seed, KernelSelection.kernels()),
          RandomModel.of(architecture, seed, new ScalarKernels()));
    }
  }

  private static void check(String what, BoundModel model, BoundModel scalar) {
    List<GenerationRequest> requests = IntStream.of(1, 9, 23)
        .mapToObj(length -> request(length, model.architecture())).toList();
    try (BatchingEngine engine = TestModels.engine(model, ENGINE)) {
      List<Generation> running = requests.stream().map(engine::submit).toList();
      for (int i = 0; i < running.size(); i++) {
        Result result = TestModels.take(running.get(i));
        assertThat(logprobs(result)).as("%s, request %d", what, i)
            .isEqualTo(expected(scalar, requests.get(i), result.tokens()));
      }
    }
  }

  private static GenerationRequest request(int length, Architecture model) {
    int[] prompt = TestModels.randomPrompt(length, length, model.vocabularySize());
    boolean encoder = model.encoder() != null;
    GenerationRequest request = new GenerationRequest("r" + length, prompt, GENERATED, SamplingParameters.GREEDY,
        Set.of(),
        LOGPROBS, encoder ? -1 : LOGPROBS, false, null);
    return encoder
        ? request.with(new EncoderInput(TestModels.randomPrompt(length, 24 - length, model.vocabularySize()), length))
        : request;
  }

  /** Of the prompt's tokens but the first, if they were asked for, and of the answer's. */
  private static List<TokenLogprobs> logprobs(Result result) {
    List<TokenLogprobs> logprobs = new ArrayList<>(result.prompt().logprobs());
    logprobs.removeIf(Objects::isNull);
    for (GenerationEvent event : result.events()) {
      if (event instanceof GenerationEvent.Token token) {
        logprobs.add(Objects.requireNonNull(token.logprobs()));
      }
    }
    return logprobs;
  }

  private static List<TokenLogprobs> expected(BoundModel model, GenerationRequest request, List<Integer> answer) {
    assertThat(answer).hasSize(GENERATED);
    int[] prompt = request.promptIds();
    int[] all = Arrays.copyOf(prompt, prompt.length + GENERATED);
    for (int i = 0; i < GENERATED; i++) {
      all[prompt.length + i] = answer.get(i);
    }
    ReferenceDecoder reference = new ReferenceDecoder(model.architecture(), model.weights(), (stage, values) -> {});
    EncoderInput input = request.encoderInput();
    float[] logits = input == null
        ? reference.logits(all, prompt.length)
        : reference.logits(reference.encode(input.ids()), all, prompt.length);
    int vocabulary = model.architecture().vocabularySize();
    int first = input == null ? 1 : prompt.length;
    return IntStream.range(first, all.length)
        .mapToObj(i -> Logprobs.of(logits, (i - 1) * vocabulary, vocabulary, all[i], LOGPROBS)).toList();
  }
}
