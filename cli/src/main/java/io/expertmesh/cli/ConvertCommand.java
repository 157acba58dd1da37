package io.expertmesh.cli;

import io.expertmesh.model.checkpoint.Convert;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes a Hugging Face folder as a GGUF file. */
@Command(
    name = "convert",
    description = "Writes a Hugging Face folder as a GGUF file, which llama.cpp reads too.",
    footer = {
        "",
        "Examples:",
        "  expertmesh convert --model allenai/OLMoE-1B-7B-0924 --quantize q8_0 --out olmoe-q8_0.gguf",
        "  expertmesh convert --out demo.gguf"})
final class ConvertCommand implements Callable<Integer> {
  @Mixin
  private ModelSource source = new ModelSource();

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE.gguf",
      required = true,
      description = "The file to write; one that is there is replaced.")
  @SuppressWarnings("NullAway.Init")
  private Path out;

  @Option(
      names = "--quantize",
      paramLabel = "TYPE",
      description = "${COMPLETION-CANDIDATES}. Default: as the checkpoint is.")
  private @Nullable WeightType quantization;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() {
    Convert.Result result;
    try (ProgressBars progress = ProgressBars.bytes()) {
      result = Convert.toGguf(source.location(), out, quantization == null ? null : quantization.dtype(), progress);
    }
    spec.commandLine().getOut().println("%s: %d tensors, %s".formatted(
        result.file(), result.tensors(), InspectCommand.size(result.bytes())));
    spec.commandLine().getOut().flush();
    result.notes().forEach(note -> spec.commandLine().getErr().println(note));
    spec.commandLine().getErr().flush();
    return 0;
  }
}
