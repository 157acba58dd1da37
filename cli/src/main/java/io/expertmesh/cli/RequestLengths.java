package io.expertmesh.cli;

import picocli.CommandLine.Option;

/** How long requests and their answers are, where all are alike. */
final class RequestLengths {
  @Option(names = "--prompt", paramLabel = "N", description = "Tokens of a prompt. Default: ${DEFAULT-VALUE}.")
  private int promptTokens;

  @Option(names = "--generate", paramLabel = "N", description = "Tokens of an answer. Default: ${DEFAULT-VALUE}.")
  private int generatedTokens;

  /** With what holds if the user does not say. */
  RequestLengths(int promptTokens, int generatedTokens) {
    this.promptTokens = promptTokens;
    this.generatedTokens = generatedTokens;
  }

  int promptTokens() {
    return promptTokens;
  }

  int generatedTokens() {
    return generatedTokens;
  }
}
