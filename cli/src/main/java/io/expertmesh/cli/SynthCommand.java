package io.expertmesh.cli;

import io.expertmesh.model.checkpoint.Synth;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes a checkpoint of a true shape with random weights. */
@Command(
    name = "synth",
    description = "Writes a checkpoint of a true shape with random weights, to measure with where nothing can be downloaded.",
    footer = {
        "",
        "Examples:",
        "  expertmesh synth --dtype q8_0 --out olmoe-q8_0.gguf",
        "  expertmesh synth --like models/demo --dtype bf16 --out demo-shape"})
final class SynthCommand implements Callable<Integer> {
  @Option(
      names = "--like",
      paramLabel = "MODEL",
      defaultValue = "allenai/OLMoE-1B-7B-0924",
      completionCandidates = BuiltIn.class,
      description = "${COMPLETION-CANDIDATES}, or a folder with a config.json. Default: ${DEFAULT-VALUE}.")
  private String like = "";

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "bf16",
      description = "${COMPLETION-CANDIDATES}; q8_0 and q4_0 only for GGUF. Default: ${DEFAULT-VALUE}.")
  private WeightType dtype = WeightType.bf16;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "PATH",
      required = true,
      description = "A GGUF file if it ends in .gguf, otherwise a Hugging Face folder.")
  @SuppressWarnings("NullAway.Init")
  private Path out;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() {
    try (ProgressBars progress = ProgressBars.bytes()) {
      Synth.write(like, dtype.dtype(), out, progress);
    }
    spec.commandLine().getOut().println(out);
    spec.commandLine().getOut().flush();
    return 0;
  }

  private static final class BuiltIn implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Synth.BUILT_IN.iterator();
    }
  }
}
