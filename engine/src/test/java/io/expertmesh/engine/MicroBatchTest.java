package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.api.Generation;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.engine.schedule.EngineConfiguration;
import io.expertmesh.kernels.KernelSelection;
import io.expertmesh.kernels.Kernels;
import io.expertmesh.model.family.BoundModel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Steps in parts give the bits of whole steps. */
class MicroBatchTest {
  private static final Kernels KERNELS = KernelSelection.kernels();
  private static final BoundModel MODEL = TestModels.demo(KERNELS);
  private static final int VOCABULARY = MODEL.architecture().vocabularySize();
  private static final List<int[]> PROMPTS = List.of(
      TestModels.randomPrompt(1, 1, VOCABULARY), TestModels.randomPrompt(2, 14, VOCABULARY),
      TestModels.randomPrompt(3, 47, VOCABULARY), TestModels.randomPrompt(4, 90, VOCABULARY));

  private static List<List<GenerationEvent>> run(BatchingEngine engine) {
    try (engine) {
      List<Generation> running = PROMPTS.stream().map(p -> engine.submit(TestModels.greedy(p, 8))).toList();
      List<List<GenerationEvent>> events = new ArrayList<>();
      running.forEach(generation -> events.add(TestModels.take(generation).events()));
      return events;
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 1", "2, 5", "3, 1"})
  void thePartsOfAStepGiveTheBitsOfTheWhole(int parts, int partRows) {
    List<List<GenerationEvent>> whole = run(TestModels.engine(MODEL, new EngineConfiguration(1, 8, 8, 40, 16, 64)));
    try (ScriptedExperts experts = new ScriptedExperts(MODEL, KERNELS, parts)) {
      EngineConfiguration configuration = new EngineConfiguration(2, 8, 8, 40, 16, 64, partRows);
      assertThat(run(BatchingEngine.start(MODEL.architecture(), MODEL.weights(), KERNELS, configuration, experts)))
          .isEqualTo(whole);
      assertThat(experts.mostInFlight()).isEqualTo(parts);
      assertThat(experts.inFlight()).isZero();
    }
  }

  @Test
  void smallStepsStayWhole() {
    try (ScriptedExperts experts = new ScriptedExperts(MODEL, KERNELS, 2)) {
      EngineConfiguration configuration = new EngineConfiguration(1, 8, 8, 40, 16, 64, 21);
      run(BatchingEngine.start(MODEL.architecture(), MODEL.weights(), KERNELS, configuration, experts));
      assertThat(experts.mostInFlight()).isEqualTo(1);
    }
  }
}
