package io.expertmesh.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.api.TokenLogprobs;
import io.expertmesh.engine.constraint.TokenConstraint;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final int DRAWS = 20_000;
  /** Probabilities 0.4, 0.3, 0.2, 0.1 in an order that is not sorted. */
  private static final float[] LOGITS = logs(0.2, 0.4, 0.1, 0.3);

  @Test
  void temperatureZeroTakesTheMostLikelyAndTheLowerIdOfTwo() {
    assertThat(sampler(SamplingParameters.GREEDY, 4).next(new float[]{1, 3, 3, 2}, 0)).isEqualTo(1);
  }

  @Test
  void theOffsetIsWhereTheLogitsBegin() {
    assertThat(sampler(SamplingParameters.GREEDY, 2).next(new float[]{9, 9, 1, 3}, 2)).isEqualTo(1);
  }

  @Test
  void drawsFollowTheProbabilities() {
    assertThat(shares(drawn(1, 0, 1, 0))).containsExactly(new double[]{0.2, 0.4, 0.1, 0.3}, within(0.015));
  }

  @Test
  void temperatureSharpensOrFlattens() {
    double[] squares = {0.04, 0.16, 0.01, 0.09};
    double sum = 0.3;
    assertThat(shares(drawn(0.5f, 0, 1, 0)))
        .containsExactly(new double[]{squares[0] / sum, squares[1] / sum, squares[2] / sum, squares[3] / sum},
            within(0.015));
  }

  @Test
  void topKKeepsTheKMostLikely() {
    assertThat(shares(drawn(1, 2, 1, 0))).containsExactly(new double[]{0, 0.4 / 0.7, 0, 0.3 / 0.7}, within(0.015));
  }

  @Test
  void topPKeepsTheSmallestSetThatReachesIt() {
    assertThat(shares(drawn(1, 0, 0.69f, 0))).containsExactly(new double[]{0, 0.4 / 0.7, 0, 0.3 / 0.7}, within(0.015));
    assertThat(shares(drawn(1, 0, 0.71f, 0))).containsExactly(new double[]{0.2 / 0.9, 0.4 / 0.9, 0, 0.3 / 0.9},
        within(0.015));
  }

  @Test
  void topPCountsTheShareOfWhatTopKLeft() {
    // Of the three most likely (0.4, 0.3, 0.2), 0.4 / 0.9 and 0.3 / 0.9 make up 0.78.
    assertThat(shares(drawn(1, 3, 0.75f, 0))).containsExactly(new double[]{0, 0.4 / 0.7, 0, 0.3 / 0.7}, within(0.015));
  }

  @Test
  void minPKeepsWhatIsNotFarBelowTheMostLikely() {
    assertThat(shares(drawn(1, 0, 1, 0.6f))).containsExactly(new double[]{0, 0.4 / 0.7, 0, 0.3 / 0.7}, within(0.015));
  }

  @Test
  void atLeastOneTokenIsAlwaysLeft() {
    assertThat(drawn(1, 0, 0f, 1)).containsOnly(1);
  }

  @Test
  void cutsAgreeWithASortOfAllTokens() {
    SplittableRandom random = new SplittableRandom(11);
    for (int round = 0; round < 50; round++) {
      int n = 2 + random.nextInt(300);
      double[] weights = random.doubles(n, 0.01, 1).toArray();
      float topP = 0.1f + 0.85f * (float) random.nextDouble();
      Set<Integer> expected = new java.util.TreeSet<>();
      List<Integer> order = new ArrayList<>();
      double total = 0;
      for (int i = 0; i < n; i++) {
        order.add(i);
        total += weights[i];
      }
      order.sort((a, b) -> Double.compare(weights[b], weights[a]));
      double sum = 0;
      for (int id : order) {
        if (sum >= topP * total) {
          break;
        }
        expected.add(id);
        sum += weights[id];
      }
      Sampler sampler = sampler(new SamplingParameters(1, 0, topP, 0, 1, 0, 0, Map.of(), 5L), n);
      float[] logits = logs(weights);
      for (int i = 0; i < 200; i++) {
        assertThat(expected).contains(sampler.next(logits, 0));
      }
    }
  }

  @Test
  void theSameSeedGivesTheSameTokens() {
    assertThat(drawn(1, 0, 1, 0)).isEqualTo(drawn(1, 0, 1, 0));
    Sampler other = sampler(new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(), 2L), 4);
    List<Integer> tokens = new ArrayList<>();
    for (int i = 0; i < DRAWS; i++) {
      tokens.add(other.next(LOGITS, 0));
    }
    assertThat(tokens).isNotEqualTo(drawn(1, 0, 1, 0));
  }

  @Test
  void logitBiasMovesATokenToTheFrontOrAway() {
    SamplingParameters biased = new SamplingParameters(0, 0, 1, 0, 1, 0, 0, Map.of(2, 100f, 1, -100f), null);
    assertThat(sampler(biased, 4).next(LOGITS, 0)).isEqualTo(2);
  }

  @Test
  void theRepetitionPenaltyCountsPromptAndAnswer() {
    SamplingParameters penalized = new SamplingParameters(0, 0, 1, 0, 2, 0, 0, Map.of(), null);
    Sampler sampler = new Sampler(penalized, new int[]{0}, Set.of(), null, 3);
    // 4 / 2 = 2 falls behind 3; then 3 / 2 behind both; negative logits are multiplied.
    assertThat(sampler.next(new float[]{4, 3, 2.5f}, 0)).isEqualTo(1);
    assertThat(sampler.next(new float[]{4, 3, 2.5f}, 0)).isEqualTo(2);
    assertThat(sampler.next(new float[]{-1, -1.5f, -1.9f}, 0)).isEqualTo(0);
  }

  @Test
  void presenceAndFrequencyCountOnlyTheAnswer() {
    SamplingParameters penalized = new SamplingParameters(0, 0, 1, 0, 1, 0.5f, 1, Map.of(), null);
    Sampler sampler = new Sampler(penalized, new int[]{0}, Set.of(), null, 2);
    float[] logits = {3, 1};
    // 3; 3 - 0.5 - 1 = 1.5; 3 - 0.5 - 2 = 0.5 falls behind 1.
    assertThat(List.of(sampler.next(logits, 0), sampler.next(logits, 0), sampler.next(logits, 0)))
        .containsExactly(0, 0, 1);
  }

  @Test
  void aConstraintLeavesOnlyWhatItAllows() {
    Sampler sampler = new Sampler(SamplingParameters.GREEDY, new int[]{0}, Set.of(3), new TwoThenEnd(), 4);
    assertThat(sampler.complete()).isFalse();
    assertThat(sampler.next(LOGITS, 0)).isEqualTo(2);
    assertThat(sampler.complete()).isTrue();
    assertThat(sampler.next(LOGITS, 0)).as("only the end token is left").isEqualTo(3);
  }

  /** Token 2, then the end. */
  private static final class TwoThenEnd implements TokenConstraint {
    private boolean done;

    @Override
    public BitSet allowed() {
      BitSet allowed = new BitSet();
      allowed.set(2, !done);
      return allowed;
    }

    @Override
    public boolean mayEnd() {
      return done;
    }

    @Override
    public void accept(int tokenId) {
      assertThat(tokenId).isEqualTo(2);
      done = true;
    }
  }

  @Test
  void logitsThatAreNoNumbersAreNeverChosen() {
    float nan = Float.NaN;
    for (float temperature : new float[]{0, 1}) {
      SamplingParameters parameters = new SamplingParameters(temperature, 2, 0.9f, 0, 1, 0, 0, Map.of(), 1L);
      assertThat(sampler(parameters, 3).next(new float[]{nan, 1, nan}, 0)).isEqualTo(1);
      assertThatThrownBy(() -> sampler(parameters, 2).next(new float[]{nan, nan}, 0))
          .isInstanceOf(IllegalStateException.class).hasMessageContaining("logit");
    }
  }

  @Test
  void logprobsAreThoseOfTheRawLogits() {
    TokenLogprobs logprobs = Logprobs.of(LOGITS, 0, 4, 3, 2);
    assertThat(logprobs.logprob()).isCloseTo((float) Math.log(0.3), within(1e-6f));
    assertThat(logprobs.rank()).isEqualTo(1);
    assertThat(logprobs.top()).extracting(TokenLogprobs.Alternative::tokenId).containsExactly(1, 3);
    assertThat(logprobs.top().getFirst().logprob()).isCloseTo((float) Math.log(0.4), within(1e-6f));
  }

  private static List<Integer> drawn(float temperature, int topK, float topP, float minP) {
    Sampler sampler = sampler(new SamplingParameters(temperature, topK, topP, minP, 1, 0, 0, Map.of(), 1L), 4);
    List<Integer> tokens = new ArrayList<>();
    for (int i = 0; i < DRAWS; i++) {
      tokens.add(sampler.next(LOGITS, 0));
    }
    return tokens;
  }

  private static double[] shares(List<Integer> tokens) {
    double[] shares = new double[4];
    for (int token : tokens) {
      shares[token] += 1.0 / tokens.size();
    }
    return shares;
  }

  private static Sampler sampler(SamplingParameters parameters, int vocabulary) {
    return new Sampler(parameters, new int[]{0}, Set.of(), null, vocabulary);
  }

  private static float[] logs(double... probabilities) {
    float[] logits = new float[probabilities.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.log(probabilities[i]) + 2;
    }
    return logits;
  }
}
