package io.expertmesh.cli;

import io.expertmesh.cli.inspect.Devices;
import io.expertmesh.cli.inspect.Inspection;
import io.expertmesh.cli.inspect.InspectionText;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.release.Releases;
import java.io.PrintWriter;
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
    description = "Shows what is in a checkpoint: family, layers, parameters in total and active, memory by dtype and "
        + "expert group, cache, and whether every tensor is recognised. Exit code 1 for a checkpoint that cannot be "
        + "served.",
    footer = {
        "",
        "Examples:",
        "  expertmesh inspect",
        "  expertmesh inspect --model olmoe-q8_0.gguf --shards 4 --json",
        "  expertmesh inspect --like allenai/OLMoE-1B-7B-0924 --shards 8 --expert-dtype q4_0",
        "  expertmesh inspect --like deepseek-ai/DeepSeek-V3",
        "  expertmesh inspect --devices"})
final class InspectCommand implements Callable<Integer> {
  private static final int WRONG = 1;

  @Mixin
  private ModelSource source = new ModelSource();

  @Option(
      names = "--like",
      paramLabel = "MODEL",
      description = "A release that 'expertmesh synth --help' lists, or a folder with a config.json: its shape, without "
          + "weights.")
  private @Nullable String like;

  @Option(
      names = "--shards",
      paramLabel = "N",
      description = "Show what each of N shards holds of the experts. Default: one shard for each expert id.")
  private @Nullable Integer shards;

  @Option(
      names = "--expert-dtype",
      paramLabel = "TYPE",
      defaultValue = "stored",
      description = "Show what the experts take in processes that hold them so: ${COMPLETION-CANDIDATES}. "
          + "Default: ${DEFAULT-VALUE}.")
  private ExpertType type = ExpertType.stored;

  @Option(
      names = "--devices",
      description = "Show what can compute experts on this machine, instead of a checkpoint.")
  private boolean devices;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() {
    if (devices) {
      return printDevices();
    }
    Inspection inspection;
    try {
      inspection = inspect();
    } catch (FailureException failure) {
      if (failure.category() != FailureCategory.INVALID_CHECKPOINT) {
        throw failure;
      }
      return wrong(String.valueOf(failure.getMessage()));
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JsonMapper.shared().writeValueAsString(inspection));
    } else {
      new InspectionText(out).print(inspection);
    }
    out.flush();
    return inspection.recognised() ? 0 : WRONG;
  }

  private int printDevices() {
    Devices all = Devices.ofThisMachine();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JsonMapper.shared().writeValueAsString(all));
    } else {
      all.print(out);
    }
    out.flush();
    return 0;
  }

  private Inspection inspect() {
    if (like != null) {
      return Inspection.of(Releases.find(like), shards, type.dtype());
    }
    return Inspection.of(source.checkpoint(), shards, type.dtype());
  }

  /** A checkpoint that cannot be read. */
  private int wrong(String problem) {
    if (json) {
      PrintWriter out = spec.commandLine().getOut();
      out.println(JsonMapper.shared().writeValueAsString(
          JsonMapper.shared().createObjectNode().put("recognised", false).put("problem", problem)));
      out.flush();
    } else {
      PrintWriter err = spec.commandLine().getErr();
      err.println(spec.commandLine().getColorScheme().errorText("expertmesh: " + problem));
      err.flush();
    }
    return WRONG;
  }
}
