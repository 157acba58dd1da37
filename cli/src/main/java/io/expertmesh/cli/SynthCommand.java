package io.expertmesh.cli;

import io.expertmesh.cli.inspect.InspectionText;
import io.expertmesh.kernels.DType;
import io.expertmesh.model.checkpoint.Synth;
import io.expertmesh.model.release.Release;
import io.expertmesh.model.release.Releases;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
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
        "  expertmesh synth --like openai/gpt-oss-20b --dtype mxfp4 --layers 2 --out gpt-oss-2-layers",
        "  expertmesh synth --like models/demo --dtype bf16 --out demo-shape"})
final class SynthCommand implements Callable<Integer> {
  @Option(
      names = "--like",
      paramLabel = "MODEL",
      defaultValue = "allenai/OLMoE-1B-7B-0924",
      completionCandidates = BuiltIn.class,
      description = "A folder with a config.json, or one of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private String like = "";

  @Option(
      names = "--layers",
      paramLabel = "N",
      description = "Only the first N layers, of an encoder and of a decoder, to try wide models on small machines.")
  private @Nullable Integer layers;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "bf16",
      description = "${COMPLETION-CANDIDATES}. q8_0 and q4_0 are for GGUF; mxfp4 and fp8 for folders of models that are "
          + "released so. Default: ${DEFAULT-VALUE}.")
  private Type dtype = Type.bf16;

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
    Release whole = Releases.find(like);
    Release release = layers == null ? whole : whole.withLayers(layers);
    Synth synth = release.synth(dtype.dtype, out.toString().endsWith(".gguf"));
    PrintWriter console = spec.commandLine().getOut();
    console.println("%s: %,d parameters, %s".formatted(release.name(), release.plan().parameters(),
        InspectionText.size(synth.bytes())));
    console.flush();
    try (ProgressBars progress = ProgressBars.bytes()) {
      synth.write(out, progress);
    }
    console.println(out);
    console.flush();
    return 0;
  }

  /** As users write them. */
  private enum Type {
    q8_0(DType.Q8_0), q4_0(DType.Q4_0), f16(DType.F16), bf16(DType.BF16), f32(DType.F32), mxfp4(DType.F4_E2M1), fp8(
        DType.F8_E4M3);

    private final DType dtype;

    Type(DType dtype) {
      this.dtype = dtype;
    }
  }

  private static final class BuiltIn implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Releases.names().iterator();
    }
  }
}
