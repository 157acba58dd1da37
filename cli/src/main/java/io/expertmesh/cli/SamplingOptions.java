package io.expertmesh.cli;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.engine.text.ServedModel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How an answer is drawn; what is left open is what the checkpoint recommends. */
final class SamplingOptions {
  @Option(
      names = {"-n", "--max-tokens"},
      paramLabel = "N",
      defaultValue = "256",
      description = "Tokens to generate at most. Default: ${DEFAULT-VALUE}.")
  int maxTokens;

  @Option(
      names = {"-t", "--temperature"},
      paramLabel = "T",
      description = "0 always takes the most likely token. Default: what the checkpoint recommends, else 1.")
  private @Nullable Float temperature;

  @Option(names = "--top-k", paramLabel = "K", description = "Draw among the K most likely tokens; 0 for all.")
  private @Nullable Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Draw among the most likely tokens that have probability P together.")
  private @Nullable Float topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Drop tokens with less than P times the most likely one's probability.")
  private @Nullable Float minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Makes tokens that were there before less likely; 1 is off.")
  private @Nullable Float repetitionPenalty;

  @Option(names = "--seed", paramLabel = "N", description = "The same seed gives the same text.")
  private @Nullable Long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End the answer before this text; can be given several times.")
  private List<String> stop = new ArrayList<>();

  List<String> stop() {
    return stop;
  }

  GenerationRequest request(ServedModel model, String id, int[] promptIds) {
    SamplingParameters defaults = model.samplingDefaults();
    SamplingParameters sampling = new SamplingParameters(
        temperature == null ? defaults.temperature() : temperature,
        topK == null ? defaults.topK() : topK,
        topP == null ? defaults.topP() : topP,
        minP == null ? defaults.minP() : minP,
        repetitionPenalty == null ? defaults.repetitionPenalty() : repetitionPenalty,
        defaults.presencePenalty(),
        defaults.frequencyPenalty(),
        defaults.logitBias(),
        seed);
    return new GenerationRequest(id, promptIds, maxTokens, sampling, model.endTokenIds(), -1, -1, false, null);
  }
}
