package io.expertmesh.cli;

import io.expertmesh.cli.inspect.InspectionText;
import io.expertmesh.kernels.DType;
import io.expertmesh.model.checkpoint.Convert;
import io.expertmesh.model.checkpoint.T5xConversion;
import io.expertmesh.model.checkpoint.Upcycle;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes a Hugging Face folder as a GGUF file, or a T5X archive as a Hugging Face folder. */
@Command(
    name = "convert",
    description = {
        "Writes a Hugging Face folder as a GGUF file, which llama.cpp reads too,",
        "a dense GGUF file as a mixture of experts,",
        "or OpenMoE weights with T5X names as a Hugging Face folder."},
    footer = {
        "",
        "Examples:",
        "  expertmesh convert --model allenai/OLMoE-1B-7B-0924 --quantize q8_0 --out olmoe-q8_0.gguf",
        "  expertmesh convert --out demo.gguf",
        "  expertmesh convert --model SmolLM2.gguf --upcycle 8 --top-k 2 --out smol-moe.gguf",
        "  expertmesh convert --t5x openmoe-8b.npz --config openmoe-8b/config.json --out openmoe-8b-hf"})
final class ConvertCommand implements Callable<Integer> {
  @Mixin
  private ModelSource source = new ModelSource();

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE.gguf|FOLDER",
      required = true,
      description = "The file to write, which is replaced if it is there; with --t5x the new folder.")
  @SuppressWarnings("NullAway.Init")
  private Path out;

  @Option(
      names = "--quantize",
      paramLabel = "TYPE",
      description = "${COMPLETION-CANDIDATES}; a folder can be f32, f16 or bf16. Default: as the checkpoint is.")
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

  @ArgGroup(exclusive = false)
  private @Nullable T5x t5x;

  private static final class T5x {
    @Option(
        names = "--t5x",
        paramLabel = "FILE",
        required = true,
        description = "OpenMoE weights under the names decoder/layers_N/...: a .npz or .safetensors file.")
    @SuppressWarnings("NullAway.Init")
    private Path weights;

    @Option(
        names = "--config",
        paramLabel = "FILE",
        required = true,
        description = "The model's config.json; a tokenizer beside it is copied too.")
    @SuppressWarnings("NullAway.Init")
    private Path config;
  }

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() {
    if (upcycle != null && (quantization != null || t5x != null)) {
      throw FailureException.invalidParameter("--upcycle",
          "--upcycle goes with neither --quantize nor --t5x: it keeps the types of the file");
    }
    Convert.Result result;
    try (ProgressBars progress = ProgressBars.bytes()) {
      result = convert(quantization == null ? null : quantization.dtype(), progress);
    }
    spec.commandLine().getOut().println("%s: %d tensors, %s".formatted(
        result.file(), result.tensors(), InspectionText.size(result.bytes())));
    spec.commandLine().getOut().flush();
    result.notes().forEach(note -> spec.commandLine().getErr().println(note));
    spec.commandLine().getErr().flush();
    return 0;
  }

  private Convert.Result convert(@Nullable DType dtype, ProgressBars progress) {
    if (upcycle != null) {
      return Upcycle.toGguf(source.location(), out, upcycle, topK, progress);
    }
    return t5x == null
        ? Convert.toGguf(source.location(), out, dtype, progress)
        : T5xConversion.toFolder(t5x.weights, t5x.config, out, dtype, progress);
  }
}
