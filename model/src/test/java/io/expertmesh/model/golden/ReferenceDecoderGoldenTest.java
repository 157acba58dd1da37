package io.expertmesh.model.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.model.golden.GoldenCase.Prompt;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The reference decoder against transformers: every stage, every logit, every greedy token. */
class ReferenceDecoderGoldenTest {
  /** bf16 keeps 8 bits of a number; transformers rounds every intermediate result to it, we none. */
  private static final float BF16_LOGPROB_TOLERANCE = 0.15f;

  @ParameterizedTest
  @MethodSource("io.expertmesh.model.golden.GoldenCase#names")
  void everyStageAgreesWithTransformers(String name) {
    GoldenRun run = GoldenRun.of(GoldenCase.of(name));
    Map<String, Float> largest = new TreeMap<>();
    for (Prompt prompt : run.golden().prompts(0)) {
      run.differences(prompt).forEach((stage, difference) -> {
        largest.merge(stage.replaceAll("layers\\.\\d+\\.", ""), difference, Math::max);
        assertThat(difference).as("%s %s %s", name, prompt.key(), stage)
            .isLessThanOrEqualTo(GoldenRun.tolerance(stage));
      });
    }
    System.out.println("golden " + name + ", largest difference per stage: " + largest);
  }

  @ParameterizedTest
  @MethodSource("io.expertmesh.model.golden.GoldenCase#names")
  void greedyTokensAreThoseOfTransformers(String name) {
    GoldenRun run = GoldenRun.of(GoldenCase.of(name));
    for (Prompt prompt : run.golden().prompts(0)) {
      assertThat(run.greedy(prompt)).as("%s %s", name, prompt.key()).isEqualTo(prompt.greedyTokenIds());
    }
  }

  /** transformers' own bf16 arithmetic rounds everywhere; the difference stays what that explains. */
  @ParameterizedTest
  @ValueSource(strings = {"olmoe-bf16", "mixtral-bf16", "qwen3-moe-bf16", "deepseek-v3-bf16"})
  void bf16ArithmeticIsClose(String name) {
    GoldenRun run = GoldenRun.of(GoldenCase.of(name));
    float largest = 0;
    for (Prompt prompt : run.golden().prompts(1)) {
      float[] logits = run.logits(prompt.tokenIds(), prompt, new HashMap<>());
      largest = Math.max(largest, GoldenRun.largestDifference(
          GoldenRun.logprobs(logits, logits.length / prompt.tokenIds().length),
          run.golden().tensor(1, prompt.key() + ".logprobs")));
    }
    System.out.println("golden " + name + ", log-probabilities against bf16 arithmetic: " + largest);
    assertThat(largest).isLessThan(BF16_LOGPROB_TOLERANCE);
  }
}
