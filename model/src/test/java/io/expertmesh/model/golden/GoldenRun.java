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

/** A golden case in the reference decoder. */
record GoldenRun(GoldenCase golden, BoundModel model) {
  static final float STAGE_TOLERANCE = 2e-4f;
  static final float LOGPROB_TOLERANCE = 1e-3f;

  /**
   * @throws io.expertmesh.model.failure.FailureException if the model is refused
   */
  static GoldenRun of(GoldenCase golden) {
    return new GoldenRun(golden, BoundModel.of(SafetensorsCheckpoint.open(golden.folder()), new ScalarKernels()));
  }

  /** How far each recorded stage of {@code prompt} is from what is computed here. */
  Map<String, Float> differences(Prompt prompt) {
    Map<String, float[]> stages = new HashMap<>();
    float[] logits = logits(prompt.tokenIds(), prompt, stages);
    stages.put("logprobs", logprobs(logits, logits.length / prompt.tokenIds().length));
    Map<String, Float> differences = new TreeMap<>();
    golden.stages(0, prompt).forEach(stage -> {
      assertThat(stages).as(golden.folder().toString()).containsKey(stage);
      float[] expected = golden.tensor(0, prompt.key() + "." + stage);
      if (model.architecture().modelType().equals("nllb-moe") && stage.endsWith("gate_weights")) {
        // Recorded without what scales the experts.
        scale(expected, model.architecture().mixture().orElseThrow().router().scale());
      }
      differences.put(stage, largestDifference(stages.getOrDefault(stage, new float[0]), expected));
    });
    return differences;
  }

  /** The largest number of a recorded stage, or 1 if they are smaller. */
  float magnitude(Prompt prompt, String stage) {
    float[] recorded = golden.tensor(0, prompt.key() + "." + stage);
    return Math.max(1, largestDifference(new float[recorded.length], recorded));
  }

  /** How far a stage may be from transformers. */
  static float tolerance(String stage) {
    return stage.equals("logprobs") ? LOGPROB_TOLERANCE : stage.endsWith("expert_ids") ? 0f : STAGE_TOLERANCE;
  }

  /** The tokens with the largest logits after the prompt and after each token of the recorded answer but the last. */
  int[] greedy(Prompt prompt) {
    int[] answer = prompt.greedyTokenIds();
    int[] all = Arrays.copyOf(prompt.tokenIds(), prompt.tokenIds().length + answer.length - 1);
    System.arraycopy(answer, 0, all, prompt.tokenIds().length, answer.length - 1);
    float[] logits = logits(all, prompt, new HashMap<>());
    int vocabulary = logits.length / all.length;
    int[] best = new int[answer.length];
    for (int i = 0; i < answer.length; i++) {
      int at = (prompt.tokenIds().length - 1 + i) * vocabulary;
      for (int id = 1; id < vocabulary; id++) {
        best[i] = logits[at + id] > logits[at + best[i]] ? id : best[i];
      }
    }
    if (prompt.forced()) {
      best[0] = answer[0];
    }
    return best;
  }

  /** The logits of {@code ids}, which begin with the prompt; {@code stages} gets everything on the way. */
  float[] logits(int[] ids, Prompt prompt, Map<String, float[]> stages) {
    ReferenceDecoder decoder = new ReferenceDecoder(model.architecture(), model.weights(),
        (stage, values) -> stages.put(stage, values.clone()));
    return prompt.encoderIds() == null
        ? decoder.logits(ids, prompt.tokenIds().length)
        : decoder.logits(decoder.encode(prompt.encoderIds()), ids, prompt.tokenIds().length);
  }

  private static void scale(float[] x, float factor) {
    for (int i = 0; i < x.length; i++) {
      x[i] *= factor;
    }
  }

  static float[] logprobs(float[] logits, int vocabulary) {
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

  static float largestDifference(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    float largest = 0;
    for (int i = 0; i < actual.length; i++) {
      largest = Math.max(largest, Math.abs(actual[i] - expected[i]));
    }
    return largest;
  }
}
