package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** A GGUF file in Hugging Face's terms. F32, F16, BF16, Q8_0 and Q4_0. */
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
    GgufArchitecture architecture = GgufArchitecture.of(path, file.metadata().architecture());
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Tensor tensor : file.tensors().values()) {
      String name = architecture.huggingFaceName(tensor.name())
          .orElseThrow(() -> InvalidCheckpoint.in(path,
              "tensor %s is unknown to architecture %s".formatted(tensor.name(), architecture.name())));
      tensors.put(name, new Tensor(name, tensor.dtype(), tensor.shape(), tensor.data()));
    }
    return new GgufCheckpoint(file.metadata(), GgufConfig.of(file, architecture), tensors);
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
