package io.expertmesh.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.engine.TestModels.Result;
import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.api.TokenRouting;
import io.expertmesh.engine.api.UnavailablePolicy;
import io.expertmesh.engine.api.WhenUnavailable;
import io.expertmesh.engine.sampling.Logprobs;
import io.expertmesh.engine.schedule.BatchingEngine;
import io.expertmesh.engine.schedule.EngineConfiguration;
import io.expertmesh.kernels.Matrix;
import io.expertmesh.kernels.ScalarKernels;
import io.expertmesh.model.architecture.MixtureOfExperts;
import io.expertmesh.model.decoder.DecoderWeights.MoeWeights;
import io.expertmesh.model.decoder.DecoderWeights.ResidualWeights;
import io.expertmesh.model.decoder.FeedForwardWeights;
import io.expertmesh.model.decoder.Norms;
import io.expertmesh.model.decoder.ReferenceDecoder;
import io.expertmesh.model.family.BoundModel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Replaced and left-out experts against the last layer written out by hand. */
class DegradedArithmeticTest {
  private static final ScalarKernels KERNELS = new ScalarKernels();
  private static final Set<Integer> LOST = Set.of(0, 2, 5);
  private static final int TOKENS = 12;

  /** Experts by rank and what each counts. */
  private record Choice(List<Integer> experts, List<Float> weights) {}

  @ParameterizedTest
  @CsvSource({"olmoe-base-f32, SUBSTITUTE", "olmoe-base-f32, DROP", "olmoe-normtopk-f32, SUBSTITUTE",
      "olmoe-normtopk-f32, DROP"})
  void weightsAndLogitsAreThoseOfTheDefinition(String name, UnavailablePolicy policy) {
    BoundModel model = TestModels.golden(name, KERNELS);
    int last = model.architecture().blocks().size() - 1;
    int vocabulary = model.architecture().vocabularySize();
    int hidden = model.architecture().hiddenSize();
    int[] prompt = TestModels.randomPrompt(11, TOKENS, vocabulary);
    Result result = run(model, prompt, policy, last);

    Map<String, float[]> stages = new HashMap<>();
    new ReferenceDecoder(model.architecture(), model.weights(),
        (stage, values) -> stages.put(stage, values.clone())).logits(prompt);
    float[] x = stages.getOrDefault("layers." + last + ".attention_residual", new float[0]);
    ResidualWeights branch = model.weights().blocks().get(last).residuals().getLast();
    MoeWeights w = (MoeWeights) branch.operation();
    int changed = 0;
    for (int t = 0; t < TOKENS; t++) {
      float[] normed = new float[hidden];
      Norms.apply(KERNELS, model.architecture().finalNorm(), Objects.requireNonNull(branch.before()), x, t * hidden,
          normed, 0);
      Choice choice = choice(model, last, scores(w, normed), policy);
      TokenRouting routing = result.prompt().routing().get(t);
      assertThat(IntStream.of(routing.experts()[last]).boxed()).isEqualTo(choice.experts());
      for (int rank = 0; rank < choice.weights().size(); rank++) {
        assertThat(routing.weights()[last][rank]).isEqualTo(choice.weights().get(rank));
      }
      changed += choice.weights().contains(0f) || policy == UnavailablePolicy.SUBSTITUTE ? 1 : 0;

      float[] logits = logits(model, w, x, t, normed, choice);
      if (t + 1 < TOKENS) {
        assertThat(result.prompt().logprobs().get(t + 1)).as("token %d", t)
            .isEqualTo(Logprobs.of(logits, 0, vocabulary, prompt[t + 1], 3));
      }
    }
    assertThat(changed).isPositive();
  }

  private static Result run(BoundModel model, int[] prompt, UnavailablePolicy policy, int layer) {
    try (ScriptedExperts experts = new ScriptedExperts(model, KERNELS, 2);
        BatchingEngine engine = BatchingEngine.start(model.architecture(), model.weights(), KERNELS,
            new EngineConfiguration(1, 4, 4, 5, 4, 64, 2), experts)) {
      experts.script((at, plan) -> at == layer ? LOST : Set.of());
      return TestModels.take(engine.submit(new GenerationRequest("test", prompt, 0, SamplingParameters.GREEDY,
          Set.of(), -1, 3, true, null, WhenUnavailable.of(policy))));
    }
  }

  private static float[] scores(MoeWeights w, float[] normed) {
    int experts = w.gate().weight().rows();
    float[] scores = new float[experts];
    KERNELS.matmul(w.gate().weight(), 0, experts, normed, 0, normed.length, 1, scores, 0, experts);
    KERNELS.softmax(scores, 0, experts);
    return scores;
  }

  private static Choice choice(BoundModel model, int layer, float[] scores, UnavailablePolicy policy) {
    MixtureOfExperts moe = model.architecture().blocks().get(layer).mixture().orElseThrow();
    boolean substitute = policy == UnavailablePolicy.SUBSTITUTE;
    List<Integer> chosen = IntStream.range(0, scores.length).boxed()
        .filter(expert -> !substitute || !LOST.contains(expert))
        .sorted(Comparator.comparingDouble(expert -> -scores[expert]))
        .limit(moe.topK())
        .toList();
    float sum = 0f;
    for (int expert : chosen) {
      sum += scores[expert];
    }
    List<Float> weights = new ArrayList<>();
    for (int expert : chosen) {
      weights.add(scores[expert] / (moe.router().normalize() ? sum : 1f));
    }
    if (substitute || LOST.stream().noneMatch(chosen::contains)) {
      return new Choice(chosen, weights);
    }
    float before = 0f;
    float after = 0f;
    for (int rank = 0; rank < chosen.size(); rank++) {
      before += weights.get(rank);
      after += LOST.contains(chosen.get(rank)) ? 0f : weights.get(rank);
    }
    for (int rank = 0; rank < chosen.size(); rank++) {
      weights.set(rank, LOST.contains(chosen.get(rank)) ? 0f : weights.get(rank) * before / after);
    }
    return new Choice(chosen, weights);
  }

  /** The logits after token {@code t}, whose hidden state before the last layer's experts is in {@code x}. */
  private static float[] logits(BoundModel model, MoeWeights w, float[] x, int t, float[] normed, Choice choice) {
    int hidden = normed.length;
    TreeMap<Integer, Float> ascending = new TreeMap<>();
    for (int rank = 0; rank < choice.experts().size(); rank++) {
      if (choice.weights().get(rank) != 0) {
        ascending.put(choice.experts().get(rank), choice.weights().get(rank));
      }
    }
    float[] sum = new float[hidden];
    ascending.forEach((expert, weight) -> KERNELS.addScaled(sum, 0, expert(w.experts().get(expert), normed), 0,
        weight, hidden));
    float[] row = new float[hidden];
    System.arraycopy(x, t * hidden, row, 0, hidden);
    KERNELS.addScaled(row, 0, sum, 0, 1f, hidden);
    Norms.apply(KERNELS, model.architecture().finalNorm(), model.weights().finalNorm(), row, 0, row, 0);
    return multiply(model.weights().output(), row);
  }

  private static float[] expert(FeedForwardWeights w, float[] x) {
    float[] gate = multiply(Objects.requireNonNull(w.gate()), x);
    float[] up = multiply(w.up(), x);
    KERNELS.gatedSilu(gate, 0, up, 0, gate.length);
    return multiply(w.down(), up);
  }

  private static float[] multiply(Matrix weight, float[] x) {
    float[] out = new float[weight.rows()];
    KERNELS.matmul(weight, 0, weight.rows(), x, 0, weight.cols(), 1, out, 0, weight.rows());
    return out;
  }
}
