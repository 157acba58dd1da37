package io.expertmesh.cli;

import io.expertmesh.cli.inspect.Devices;
import io.expertmesh.cli.inspect.Inspection;
import io.expertmesh.cli.inspect.InspectionText;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

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

  @Mixin
  private LikeOption like = new LikeOption();

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

  @Mixin
  private ResultOptions result = new ResultOptions();

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
      inspection = like.inspect(source, shards, type.dtype());
    } catch (FailureException failure) {
      if (failure.category() != FailureCategory.INVALID_CHECKPOINT) {
        throw failure;
      }
      return wrong(String.valueOf(failure.getMessage()));
    }
    result.print(() -> JsonMapper.shared().writeValueAsString(inspection),
        out -> new InspectionText(out).print(inspection));
    return inspection.recognised() ? 0 : WRONG;
  }

  private int printDevices() {
    Devices all = Devices.ofThisMachine();
    result.print(() -> JsonMapper.shared().writeValueAsString(all), all::print);
    return 0;
  }

  /** A checkpoint that cannot be read. */
  private int wrong(String problem) {
    if (result.json()) {
      ObjectNode object = JsonMapper.shared().createObjectNode().put("recognised", false).put("problem", problem);
      result.print(() -> JsonMapper.shared().writeValueAsString(object), out -> {});
    } else {
      result.log(spec.commandLine().getColorScheme().errorText("expertmesh: " + problem).toString());
    }
    return WRONG;
  }
}
