package io.expertmesh.cli;

import io.expertmesh.model.checkpoint.Convert;
import io.expertmesh.model.checkpoint.Upcycle;
import io.expertmesh.model.failure.FailureException;
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
    description = "Writes a Hugging Face folder as a GGUF file, which llama.cpp reads too; or a dense GGUF file as a mixture of experts.",
    footer = {
        "",
        "Examples:",
        "  expertmesh convert --model allenai/OLMoE-1B-7B-0924 --quantize q8_0 --out olmoe-q8_0.gguf",
        "  expertmesh convert --out demo.gguf",
        "  expertmesh convert --model SmolLM2.gguf --upcycle 8 --top-k 2 --out smol-moe.gguf"})
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

  @Option(
      names = "--upcycle",
      paramLabel = "E",
      description = "Make a mixture of E experts per layer of a dense Llama (a GGUF file): each a copy of its network, "
          + "with a new router. The answers stay the same.")
  private @Nullable Integer upcycle;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "2",
      description = "Experts that a token uses, with --upcycle. Default: ${DEFAULT-VALUE}.")
  private int topK;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() {
    if (upcycle != null && quantization != null) {
      throw FailureException.invalidParameter("--quantize",
          "--quantize and --upcycle exclude each other: upcycling keeps the types of the file");
    }
    Convert.Result result;
    try (ProgressBars progress = ProgressBars.bytes()) {
      result = upcycle == null
          ? Convert.toGguf(source.location(), out, quantization == null ? null : quantization.dtype(), progress)
          : Upcycle.toGguf(source.location(), out, upcycle, topK, progress);
    }
    spec.commandLine().getOut().println("%s: %d tensors, %s".formatted(
        result.file(), result.tensors(), InspectCommand.size(result.bytes())));
    spec.commandLine().getOut().flush();
    result.notes().forEach(note -> spec.commandLine().getErr().println(note));
    spec.commandLine().getErr().flush();
    return 0;
  }
}
