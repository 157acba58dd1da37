package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.TestModels.Result;
import io.expertmesh.engine.api.GenerationEvent;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.kernels.KernelSelection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A trained model against what transformers computed with it in float32. */
class DemoModelTest {
  private static final Path REFERENCE = TestModels.GOLDEN.resolve("demo/reference.json");
  private static final float LOGPROB_TOLERANCE = 1e-3f;

  @Test
  void answersAndLogProbabilitiesAreThoseOfTransformers() {
    JsonNode reference = JsonMapper.shared().readTree(REFERENCE.toFile());
    Set<Integer> end = Set.of(reference.path("eos_token_id").intValue());
    int maxTokens = reference.path("max_answer_tokens").intValue();
    float largest = 0;
    try (BatchingEngine engine = TestModels.engine(TestModels.demo(KernelSelection.kernels()))) {
      for (JsonNode chat : reference.path("chats")) {
        int[] prompt = chat.path("prompt_token_ids").valueStream().mapToInt(JsonNode::intValue).toArray();
        Result result = TestModels.take(engine.submit(new GenerationRequest("demo", prompt, maxTokens,
            SamplingParameters.GREEDY, end, 0, 0, false, null)));
        assertThat(result.tokens()).as(chat.path("answer").stringValue())
            .isEqualTo(chat.path("answer_token_ids").valueStream().map(JsonNode::intValue).toList());
        largest = Math.max(largest, largestDifference(result.prompt().logprobs().subList(1, prompt.length),
            chat.path("prompt_logprobs").valueStream().skip(1).toList()));
        largest = Math.max(largest, largestDifference(generated(result),
            chat.path("answer_logprobs").valueStream().toList()));
      }
    }
    System.out.println("demo model against transformers, largest difference of a log-probability: " + largest);
    assertThat(largest).isLessThanOrEqualTo(LOGPROB_TOLERANCE);
  }

  private static List<@Nullable TokenLogprobs> generated(Result result) {
    List<@Nullable TokenLogprobs> logprobs = new ArrayList<>();
    for (GenerationEvent event : result.events()) {
      if (event instanceof GenerationEvent.Token token) {
        logprobs.add(token.logprobs());
      }
    }
    return logprobs;
  }

  private static float largestDifference(List<@Nullable TokenLogprobs> actual, List<JsonNode> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    float largest = 0;
    for (int i = 0; i < actual.size(); i++) {
      float difference = Math.abs(Objects.requireNonNull(actual.get(i)).logprob() - expected.get(i).floatValue());
      largest = Math.max(largest, difference);
    }
    return largest;
  }
}
