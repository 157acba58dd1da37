package io.expertmesh.simulator;

import io.expertmesh.model.failure.FailureException;

/**
 * What a request asks for.
 *
 * @param promptTokens that go through the model before the first answer
 * @param generatedTokens of the answer
 */
public record Workload(int promptTokens, int generatedTokens) {
  private static final int MOST = 1_000_000;

  public Workload {
    require("--prompt", promptTokens);
    require("--generate", generatedTokens);
  }

  private static void require(String option, int tokens) {
    if (tokens < 1 || tokens > MOST) {
      throw FailureException.invalidParameter(option,
          "%s is %d; it must be from 1 to %d".formatted(option, tokens, MOST));
    }
  }

  /** Rows that go through the model: the last generated token is never fed back. */
  public int rows() {
    return promptTokens + generatedTokens - 1;
  }

  /** Positions that a row looks back at, on average over a request. */
  public double meanContext() {
    return (promptTokens + generatedTokens) / 2.0;
  }
}
