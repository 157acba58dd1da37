package io.expertmesh.cli.chaos;

import java.util.List;

/**
 * A question and its right answer.
 *
 * @param answer its greedy tokens
 */
public record Question(int[] promptIds, List<Token> answer) {
  /**
   * @param logprob of the token, given those before
   */
  public record Token(int id, double logprob) {}

  public Question {
    answer = List.copyOf(answer);
  }

  /**
   * Whether {@code tokens} is the answer, its log-probabilities at most {@code tolerance} away. Two tokens whose
   * log-probabilities are that close are equally right; what follows then is another text and is not compared.
   */
  boolean isAnsweredBy(List<Token> tokens, double tolerance) {
    for (int i = 0; i < Math.min(tokens.size(), answer.size()); i++) {
      Token given = tokens.get(i);
      Token right = answer.get(i);
      boolean close = tolerance == 0
          ? Double.compare(given.logprob(), right.logprob()) == 0
          : Math.abs(given.logprob() - right.logprob()) <= tolerance;
      if (!close) {
        return false;
      }
      if (given.id() != right.id()) {
        return tolerance > 0;
      }
    }
    return tokens.size() == answer.size();
  }
}
