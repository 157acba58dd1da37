package io.expertmesh.cli;

import io.expertmesh.model.checkpoint.Checkpoint;
import io.expertmesh.model.checkpoint.GgufCheckpoint;
import io.expertmesh.model.checkpoint.SafetensorsCheckpoint;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which model. */
final class ModelSource {
  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description = "A Hugging Face folder, a .gguf file, or a hub name ORG/NAME. Default: the demo model.")
  private @Nullable String model;

  Checkpoint checkpoint() {
    Path path = path();
    return Files.isRegularFile(path) ? GgufCheckpoint.open(path) : SafetensorsCheckpoint.open(path);
  }

  private Path path() {
    if (model == null) {
      return Path.of(System.getProperty("expertmesh.home", ""), "models", "demo");
    }
    Path path = Path.of(model);
    if (!Files.exists(path)) {
      throw new FailureException(FailureCategory.NOT_FOUND, model + ": no such folder or file");
    }
    return path;
  }
}
