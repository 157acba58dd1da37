package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;

/**
 * A GGUF file as it is: metadata and mapped tensors under GGUF's own names, in the file's order.
 *
 * @param tensors shapes are slowest dimension first, the reverse of GGUF's order
 */
public record GgufFile(GgufMetadata metadata, Map<String, Tensor> tensors) {
  public GgufFile {
    tensors = Collections.unmodifiableMap(tensors);
  }

  /**
   * Maps {@code file} and checks all that it says of itself.
   *
   * @throws FailureException if it is not there, damaged, or has tensors of a type that is not supported
   */
  public static GgufFile open(Path file) {
    GgufFile gguf = GgufParser.file(file);
    long parts = gguf.metadata().integer("split.count").orElse(1);
    if (parts > 1) {
      throw InvalidCheckpoint.in(file,
          "is one of %d parts; join them with llama.cpp's llama-gguf-split --merge first".formatted(parts));
    }
    return gguf;
  }
}
