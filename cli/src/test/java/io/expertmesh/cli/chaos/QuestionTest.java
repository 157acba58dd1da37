package io.expertmesh.cli.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.expertmesh.cli.chaos.Question.Token;
import java.util.List;
import org.junit.jupiter.api.Test;

class QuestionTest {
  private static final Question QUESTION = new Question(new int[]{1},
      List.of(new Token(5, -0.5), new Token(6, -1.5), new Token(7, -0.25)));

  private static List<Token> answer(int second, double logprob, int third) {
    return List.of(new Token(5, -0.5), new Token(second, logprob), new Token(third, -0.25));
  }

  @Test
  void exactlyMeansTheSameTokensAndBits() {
    assertThat(QUESTION.isAnsweredBy(answer(6, -1.5, 7), 0)).isTrue();
    assertThat(QUESTION.isAnsweredBy(answer(6, Math.nextUp(-1.5), 7), 0)).isFalse();
    assertThat(QUESTION.isAnsweredBy(answer(9, -1.5, 7), 0)).isFalse();
    assertThat(QUESTION.isAnsweredBy(answer(6, -1.5, 7).subList(0, 2), 0)).isFalse();
  }

  @Test
  void withToleranceTokensThatAreCloseAreEquallyRight() {
    assertThat(QUESTION.isAnsweredBy(answer(6, -1.51, 7), 0.02)).isTrue();
    assertThat(QUESTION.isAnsweredBy(answer(6, -1.53, 7), 0.02)).isFalse();
    assertThat(QUESTION.isAnsweredBy(answer(9, -1.51, 99), 0.02)).isTrue();
    assertThat(QUESTION.isAnsweredBy(answer(9, -2, 99), 0.02)).isFalse();
    assertThat(QUESTION.isAnsweredBy(answer(6, -1.5, 99), 0.3)).as("as likely as the right one").isTrue();
    assertThat(QUESTION.isAnsweredBy(answer(6, -1.5, 7).subList(0, 2), 0.02)).isFalse();
  }
}
