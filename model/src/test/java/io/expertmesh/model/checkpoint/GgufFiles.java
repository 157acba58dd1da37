package io.expertmesh.model.checkpoint;

import java.nio.file.Path;
import java.util.Map;

/** GGUF files and metadata for tests of other packages. */
public final class GgufFiles {
  private GgufFiles() {}

  /** The demo model, converted into {@code folder}. */
  public static GgufMetadata demo(Path folder) {
    Path file = folder.resolve("demo.gguf");
    Convert.toGguf(Path.of("../models/demo"), file, null, Progress.NONE);
    return GgufMetadata.read(file);
  }

  public static GgufMetadata metadata(Path file, Map<String, GgufValue> values) {
    return new GgufMetadata(file, values);
  }
}
