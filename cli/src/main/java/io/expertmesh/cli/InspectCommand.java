package io.expertmesh.cli;

import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.family.ModelConfig;
import io.expertmesh.model.family.ModelFamilies;
import io.expertmesh.model.tokenizer.LoadedTokenizer;
import io.expertmesh.model.tokenizer.TokenizerLoader;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** Says what is in a checkpoint. */
@Command(
    name = "inspect",
    description = "Shows what is in a checkpoint: family, shapes, parameters in total and active, memory by dtype.",
    footer = {
        "",
        "Examples:",
        "  expertmesh inspect",
        "  expertmesh inspect --model olmoe-q8_0.gguf --json"})
final class InspectCommand implements Callable<Integer> {
  @Mixin
  private ModelSource source = new ModelSource();

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() {
    Checkpoint checkpoint = source.checkpoint();
    ModelConfig config = new ModelConfig(checkpoint.location().toString(), checkpoint.config());
    CheckpointSummary summary = CheckpointSummary.of(checkpoint, ModelFamilies.of(config).architecture(config),
        tokenizer(checkpoint));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JsonMapper.shared().writeValueAsString(summary));
    } else {
      print(summary, out);
    }
    out.flush();
    return 0;
  }

  /** Null if the checkpoint has none that can be used. */
  private static @Nullable LoadedTokenizer tokenizer(Checkpoint checkpoint) {
    try {
      return TokenizerLoader.load(checkpoint);
    } catch (FailureException unusable) {
      return null;
    }
  }

  private static void print(CheckpointSummary model, PrintWriter out) {
    line(out, "location", model.location());
    line(out, "family", model.family());
    line(out, "shape", "%d layers, hidden %d, vocabulary %d, context %d".formatted(
        model.layers(), model.hiddenSize(), model.vocabularySize(), model.contextLength()));
    line(out, "attention", "%d heads of %d, %d key/value heads".formatted(
        model.heads(), model.headDim(), model.kvHeads()));
    line(out, "experts", "%d in each of %d layers, width %d, top %d%s".formatted(model.experts(), model.moeLayers(),
        model.expertSize(), model.topK(), model.normTopkProb() ? ", weights normalised" : ""));
    line(out, "tokenizer", model.tokenizerSize() == null
        ? "none; the model cannot be served without one"
        : "%,d tokens, %s chat template".formatted(model.tokenizerSize(), model.chatTemplate() ? "with a" : "no"));
    line(out, "parameters", "%,d, of which %,d are active for a token".formatted(
        model.parameters(), model.activeParameters()));
    line(out, "memory", "%s: %s shared, %s for each expert group of one id".formatted(
        size(model.bytes()), size(model.sharedBytes()), size(model.expertGroupBytes())));
    model.dtypes().forEach((dtype, amount) -> line(out, dtype, "%,d parameters in %,d tensors, %s".formatted(
        amount.parameters(), amount.tensors(), size(amount.bytes()))));
    out.println();
    out.println("tensors (N: layer, E: expert)");
    for (CheckpointSummary.TensorShape tensor : model.tensors()) {
      out.println("  %-48s %-5s %-20s x %d".formatted(tensor.name(), tensor.dtype(), tensor.shape(), tensor.count()));
    }
  }

  private static void line(PrintWriter out, String name, String value) {
    out.println("%-12s %s".formatted(name, value));
  }

  static String size(long bytes) {
    if (bytes < 10L << 20) {
      return "%,d KiB".formatted(bytes >> 10);
    }
    return bytes < 10L << 30
        ? "%,d MiB".formatted(bytes >> 20)
        : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
  }
}
