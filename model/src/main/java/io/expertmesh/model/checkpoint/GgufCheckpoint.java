package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A GGUF file in Hugging Face's terms. */
public final class GgufCheckpoint implements Checkpoint {
  private final GgufMetadata metadata;
  private final JsonNode config;
  private final Map<String, Tensor> tensors;

  private GgufCheckpoint(GgufMetadata metadata, JsonNode config, Map<String, Tensor> tensors) {
    this.metadata = metadata;
    this.config = config;
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /**
   * Maps {@code path} and checks its header, keys and tensor names.
   *
   * @throws FailureException if it is not there ({@code NOT_FOUND}), or damaged or of an architecture or a tensor type
   *     that is not supported ({@code INVALID_CHECKPOINT}); the message names the file and the tensor
   */
  public static GgufCheckpoint open(Path path) {
    GgufFile file = GgufFile.open(path);
    GgufArchitecture architecture = GgufArchitectures.of(file.metadata());
    ObjectNode config = GgufConfig.of(file, architecture);
    return new GgufCheckpoint(file.metadata(), config, GgufTensors.of(file, architecture, config));
  }

  @Override
  public Path location() {
    return metadata.file();
  }

  @Override
  public JsonNode config() {
    return config;
  }

  @Override
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /** All keys as the file has them, the tokenizer's among them. */
  public GgufMetadata metadata() {
    return metadata;
  }
}
