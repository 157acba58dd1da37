package io.expertmesh.cli;

import io.expertmesh.engine.api.GenerationRequest;
import io.expertmesh.engine.text.DecoderStart;
import io.expertmesh.engine.text.EmbeddedModel;
import io.expertmesh.engine.text.ServedModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Continues a text. */
@Command(
    name = "complete",
    description = "Continues a text: the prompt goes to the model as it is, the continuation to standard output. "
        + "A model with an encoder reads the prompt with it and answers.",
    footer = {
        "",
        "Examples:",
        "  expertmesh complete \"Once upon a time\"",
        "  expertmesh complete --temperature 0 --max-tokens 20 < prompt.txt",
        "  expertmesh complete --prompt-ids 12,401,7 --model olmoe.gguf"})
final class CompleteCommand implements Callable<Integer> {
  @Mixin
  private ModelOptions model = new ModelOptions();

  @Mixin
  private SamplingOptions sampling = new SamplingOptions();

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "PROMPT",
      description = "The text; read from standard input if it is left out.")
  private @Nullable String prompt;

  @Option(
      names = "--prompt-ids",
      paramLabel = "ID",
      split = ",",
      description = "Token ids instead of a text, used as they are.")
  private int @Nullable [] promptIds;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (prompt != null && promptIds != null) {
      throw new ParameterException(spec.commandLine(), "Give a prompt or --prompt-ids, not both");
    }
    String text = promptIds == null && prompt == null
        ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
        : prompt;
    try (EmbeddedModel opened = model.open()) {
      ServedModel served = opened.served();
      int[] ids = text == null ? Objects.requireNonNull(promptIds) : served.tokenizer().encode(text, true);
      var out = spec.commandLine().getOut();
      Answer.stream(served, request(served, ids), sampling.stop(), served.decoderStart() == null, out, () -> false);
      out.println();
      out.flush();
    }
    return 0;
  }

  /** Of an encoder-decoder model the prompt is what the encoder reads. */
  private GenerationRequest request(ServedModel model, int[] ids) {
    DecoderStart start = model.decoderStart();
    return start == null
        ? sampling.request(model, "complete", ids)
        : sampling.request(model, "complete", start.promptIds()).with(start.input(ids));
  }
}
