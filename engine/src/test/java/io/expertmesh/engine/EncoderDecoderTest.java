package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.BoundModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that an encoder reads first give the bits of the reference, alone, in batches and after preemption. */
class EncoderDecoderTest {
  private static final int GENERATED = 8;

  @ParameterizedTest
  @ValueSource(strings = {"switch-base-f32", "switch-tight-f32", "switch-untied-f32", "nllb-base-f32",
      "nllb-tight-f32", "nllb-priority-f32"})
  void requestsGiveTheBitsOfTheReferenceHoweverTheyRun(String name) {
    BoundModel model = TestModels.golden(name, KernelSelection.kernels());
    List<GenerationRequest> requests = requests(model.architecture().vocabularySize());
    List<List<GenerationEvent>> alone = new ArrayList<>();
    try (BatchingEngine engine = TestModels.engine(model, new EngineConfiguration(1, 1, 64, 64, 4, 64))) {
      for (GenerationRequest request : requests) {
        alone.add(compare(name, request, TestModels.take(engine.submit(request))));
      }
    }
    // Few rows a step and pages for two: chunks wait, and sequences are preempted.
    for (EngineConfiguration tight : List.of(new EngineConfiguration(2, 6, 64, 8, 4, 64),
        new EngineConfiguration(1, 6, 64, 12, 4, 12))) {
      try (BatchingEngine engine = TestModels.engine(model, tight)) {
        List<Generation> running = requests.stream().map(engine::submit).toList();
        for (int i = 0; i < running.size(); i++) {
          assertThat(TestModels.take(running.get(i)).events()).as("%s, request %d of a batch", name, i)
              .isEqualTo(alone.get(i));
        }
        assertThat(engine.load().kvPagesUsed()).isZero();
      }
    }
  }

  private static List<GenerationRequest> requests(int vocabulary) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      int[] decoder = TestModels.randomPrompt(90 + i, 1 + 2 * i, vocabulary);
      int[] input = TestModels.randomPrompt(i, 1 + 7 * i, vocabulary);
      int together = Math.max(1, decoder.length - i % 2);
      requests.add(new GenerationRequest("r" + i, decoder, GENERATED, SamplingParameters.GREEDY, Set.of(), 5, -1,
          false, null).with(new EncoderInput(input, together)));
    }
    return requests;
  }

  private static List<GenerationEvent> compare(String name, GenerationRequest request, Result result) {
    BoundModel scalar = TestModels.golden(name, new ScalarKernels());
    int vocabulary = scalar.architecture().vocabularySize();
    ReferenceDecoder reference = new ReferenceDecoder(scalar.architecture(), scalar.weights(), (stage, values) -> {});
    EncoderInput input = Objects.requireNonNull(request.encoderInput());
    int[] all = request.promptIds();
    float[] encoded = reference.encode(input.ids());
    for (GenerationEvent event : result.events()) {
      if (event instanceof GenerationEvent.Token(int id, TokenLogprobs logprobs)) {
        float[] logits = reference.logits(encoded, all, input.startTokens());
        assertThat(logprobs).as("%s, token %d of %s", name, all.length, request.id())
            .isEqualTo(Logprobs.of(logits, (all.length - 1) * vocabulary, vocabulary, id, 5));
        all = Arrays.copyOf(all, all.length + 1);
        all[all.length - 1] = id;
      }
    }
    assertThat(result.tokens()).hasSize(GENERATED);
    return result.events();
  }

  @Test
  void theEncodersExpertsAreCountedApartFromTheDecoders() {
    BoundModel model = TestModels.golden("nllb-tight-f32", KernelSelection.kernels());
    try (BatchingEngine engine = TestModels.engine(model)) {
      TestModels.take(engine.submit(requests(89).getFirst()));
      long[][] counted = engine.tokensPerExpert();
      assertThat(model.architecture().moeLayers()).containsExactly(1, 3, 4);
      assertThat(Arrays.stream(counted[0]).sum()).as("one token of input").isBetween(1L, 2L);
      assertThat(Arrays.stream(counted[1]).sum()).as("a prompt of one and seven that were computed").isBetween(8L, 16L);
    }
  }

  @Test
  void aRequestWithoutAnInputIsRefused() {
    BoundModel model = TestModels.golden("switch-base-f32", KernelSelection.kernels());
    try (BatchingEngine engine = TestModels.engine(model)) {
      assertThatThrownBy(() -> engine.submit(TestModels.greedy(new int[]{0}, 1)))
          .isInstanceOf(FailureException.class).hasMessageContaining("the model has an encoder");
      assertThatThrownBy(
          () -> engine.submit(TestModels.greedy(new int[]{0}, 1).with(new EncoderInput(new int[]{89}, 1))))
          .isInstanceOf(FailureException.class).hasMessageContaining("token id 89");
    }
  }
}
