package io.expertmesh.model.golden;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.family.BoundModel;
import io.expertmesh.model.golden.GoldenCase.Prompt;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The reference decoder against transformers: every stage, every logit, every greedy token. */
class ReferenceDecoderGoldenTest {
  private static final float STAGE_TOLERANCE = 2e-4f;
  private static final float LOGPROB_TOLERANCE = 1e-3f;
  /** bf16 keeps 8 bits of a number; transformers rounds every intermediate result to it, we none. */
  private static final float BF16_LOGPROB_TOLERANCE = 0.15f;

  @ParameterizedTest
  @MethodSource("io.expertmesh.model.golden.GoldenCase#names")
  void everyStageAgreesWithTransformers(String name) {
    GoldenCase golden = GoldenCase.of(name);
    Map<String, Float> largest = new TreeMap<>();
    for (Prompt prompt : golden.prompts(0)) {
      Map<String, float[]> stages = new HashMap<>();
      float[] logits = run(golden, prompt.tokenIds(), prompt, stages);
      stages.put("logprobs", logprobs(logits, logits.length / prompt.tokenIds().length));
      golden.stages(0, prompt).forEach(stage -> {
        assertThat(stages).as(name).containsKey(stage);
        float[] expected = golden.tensor(0, prompt.key() + "." + stage);
        if (name.startsWith("nllb-") && stage.endsWith("gate_weights")) { // recorded without what scales the experts
          scale(expected, model(golden).architecture().mixture().orElseThrow().router().scale());
        }
        float difference = largestDifference(stages.getOrDefault(stage, new float[0]), expected);
        largest.merge(stage.replaceAll("layers\\.\\d+\\.", ""), difference, Math::max);
        assertThat(difference).as("%s %s %s", name, prompt.key(), stage)
            .isLessThanOrEqualTo(stage.equals("logprobs")
                ? LOGPROB_TOLERANCE
                : stage.endsWith("expert_ids") ? 0f : STAGE_TOLERANCE);
      });
    }
    System.out.println("golden " + name + ", largest difference per stage: " + largest);
  }

  @ParameterizedTest
  @MethodSource("io.expertmesh.model.golden.GoldenCase#names")
  void greedyTokensAreThoseOfTransformers(String name) {
    GoldenCase golden = GoldenCase.of(name);
    for (Prompt prompt : golden.prompts(0)) {
      int[] ids = prompt.tokenIds();
      for (int expected : prompt.greedyTokenIds()) {
        float[] logits = run(golden, ids, prompt, new HashMap<>());
        int vocabulary = logits.length / ids.length;
        int best = 0;
        for (int i = 1; i < vocabulary; i++) {
          best = logits[logits.length - vocabulary + i] > logits[logits.length - vocabulary + best] ? i : best;
        }
        if (!prompt.forced() || ids.length > prompt.tokenIds().length) {
          assertThat(best).as("%s after %s", name, Arrays.toString(ids)).isEqualTo(expected);
        }
        ids = Arrays.copyOf(ids, ids.length + 1);
        ids[ids.length - 1] = expected;
      }
    }
  }

  /** transformers' own bf16 arithmetic rounds everywhere; the difference stays what that explains. */
  @ParameterizedTest
  @ValueSource(strings = "olmoe-bf16")
  void bf16ArithmeticIsClose(String name) {
    GoldenCase golden = GoldenCase.of(name);
    float largest = 0;
    for (Prompt prompt : golden.prompts(1)) {
      float[] logits = run(golden, prompt.tokenIds(), prompt, new HashMap<>());
      largest = Math.max(largest, largestDifference(logprobs(logits, logits.length / prompt.tokenIds().length),
          golden.tensor(1, prompt.key() + ".logprobs")));
    }
    System.out.println("golden " + name + ", log-probabilities against bf16 arithmetic: " + largest);
    assertThat(largest).isLessThan(BF16_LOGPROB_TOLERANCE);
  }

  private static float[] run(GoldenCase golden, int[] ids, Prompt prompt, Map<String, float[]> stages) {
    BoundModel model = model(golden);
    ReferenceDecoder decoder = new ReferenceDecoder(model.architecture(), model.weights(),
        (stage, values) -> stages.put(stage, values.clone()));
    return prompt.encoderIds() == null
        ? decoder.logits(ids, prompt.tokenIds().length)
        : decoder.logits(decoder.encode(prompt.encoderIds()), ids, prompt.tokenIds().length);
  }

  private static BoundModel model(GoldenCase golden) {
    return BoundModel.of(SafetensorsCheckpoint.open(golden.folder()), new ScalarKernels());
  }

  private static void scale(float[] x, float factor) {
    for (int i = 0; i < x.length; i++) {
      x[i] *= factor;
    }
  }

  private static float[] logprobs(float[] logits, int vocabulary) {
    float[] result = new float[logits.length];
    for (int at = 0; at < logits.length; at += vocabulary) {
      double sum = 0;
      for (int i = 0; i < vocabulary; i++) {
        sum += Math.exp(logits[at + i]);
      }
      for (int i = 0; i < vocabulary; i++) {
        result[at + i] = (float) (logits[at + i] - Math.log(sum));
      }
    }
    return result;
  }

  private static float largestDifference(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    float largest = 0;
    for (int i = 0; i < actual.length; i++) {
      largest = Math.max(largest, Math.abs(actual[i] - expected[i]));
    }
    return largest;
  }
}
