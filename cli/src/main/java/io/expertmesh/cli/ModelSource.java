package io.expertmesh.cli;

import io.expertmesh.model.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which model. */
final class ModelSource {
  private static final String DEMO = "demo";

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description = "A Hugging Face folder, a .gguf file, or a hub name ORG/NAME. Default: the demo model.")
  private @Nullable String model;

  Checkpoint checkpoint() {
    return Checkpoint.open(location());
  }

  /** The folder or file. */
  Path location() {
    return model == null ? Path.of(System.getProperty("expertmesh.home", ""), "models", DEMO) : Path.of(model);
  }

  /** What clients call the model: the hub name, or the last part of the path. */
  String name() {
    return model == null ? DEMO : Path.of(model).toAbsolutePath().normalize().getFileName().toString();
  }

  List<String> aliases() {
    return model == null || model.equals(name()) ? List.of() : List.of(model);
  }
}
