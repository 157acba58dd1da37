package io.expertmesh.cli;

import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.hub.HubSettings;
import io.expertmesh.model.hub.ModelLocator;
import java.nio.file.Files;
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

  /** As if the user had said {@code --model MODEL}. */
  static ModelSource of(String model) {
    ModelSource source = new ModelSource();
    source.model = model;
    return source;
  }

  Checkpoint checkpoint() {
    return Checkpoint.open(location());
  }

  /** The folder or file; a model of the hub is downloaded if it is not in the cache. */
  Path location() {
    if (model == null) {
      return Path.of(System.getProperty("expertmesh.home", ""), "models", DEMO);
    }
    try (ProgressBars progress = ProgressBars.bytes()) {
      return new ModelLocator(HubSettings.fromEnvironment()).locate(model, progress);
    }
  }

  /** What clients call the model: its hub name, or the last part of its path. */
  String name() {
    if (model == null) {
      return DEMO;
    }
    Path path = Path.of(model);
    if (!Files.exists(path)) {
      return model;
    }
    String name = String.valueOf(path.toAbsolutePath().normalize().getFileName());
    return name.endsWith(".gguf") ? name.substring(0, name.length() - ".gguf".length()) : name;
  }

  /** The same choice as options for another process. */
  List<String> asArguments() {
    return model == null ? List.of() : List.of("--model", model);
  }

  /** What else clients may call it. */
  List<String> aliases() {
    return model == null || model.equals(name()) ? List.of() : List.of(model);
  }
}
