package io.expertmesh.cli.chaos;

import java.util.List;

/**
 * A question and its right answer.
 *
 * @param answer tokens with log-probabilities
 */
public record Question(int[] promptIds, List<String> answer) {
  public Question {
    answer = List.copyOf(answer);
  }
}
