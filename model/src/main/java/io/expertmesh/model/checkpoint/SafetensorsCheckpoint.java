package io.expertmesh.model.checkpoint;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * A Hugging Face model folder: {@code config.json} and {@code model.safetensors}, or
 * {@code model.safetensors.index.json} with its shards. F32, F16, BF16, FP8 with block
 * scales and MXFP4.
 */
public final class SafetensorsCheckpoint implements Checkpoint {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  private final Path folder;
  private final JsonNode config;
  private final Map<String, Tensor> tensors;

  private SafetensorsCheckpoint(Path folder, JsonNode config, Map<String, Tensor> tensors) {
    this.folder = folder;
    this.config = config;
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /**
   * Maps the folder's files and checks every header.
   *
   * @throws FailureException if the folder is not there ({@code NOT_FOUND}), or if a file is missing, damaged or of a
   *     kind that is not supported ({@code INVALID_CHECKPOINT}); the message names the file and the tensor
   */
  public static SafetensorsCheckpoint open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new FailureException(FailureCategory.NOT_FOUND, folder + ": no such folder");
    }
    Path single = folder.resolve(SINGLE);
    Path index = folder.resolve(INDEX);
    // With both present, transformers loads the single file.
    if (Files.exists(single)) {
      return of(folder, SafetensorsFile.open(single));
    }
    if (Files.exists(index)) {
      return of(folder, sharded(folder, index));
    }
    PickleFiles.refuseIn(folder);
    throw InvalidCheckpoint.in(folder,
        "holds neither %s nor %s; pass a Hugging Face model folder or a .gguf file".formatted(SINGLE, INDEX));
  }

  private static SafetensorsCheckpoint of(Path folder, Map<String, Tensor> tensors) {
    JsonNode config = JsonFile.config(folder);
    return new SafetensorsCheckpoint(folder, config, ScaledTensors.join(folder, config, tensors));
  }

  @Override
  public Path location() {
    return folder;
  }

  @Override
  public JsonNode config() {
    return config;
  }

  @Override
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  private static Map<String, Tensor> sharded(Path folder, Path index) {
    JsonNode weightMap = JsonFile.read(index).path("weight_map");
    if (!weightMap.isObject() || weightMap.isEmpty()) {
      throw InvalidCheckpoint.in(index, "has no weight_map");
    }
    Set<String> shards = new LinkedHashSet<>();
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      if (!entry.getValue().isString() || !isFileName(entry.getValue().stringValue())) {
        throw InvalidCheckpoint.in(index, "tensor %s is said to be in %s, which is not the name of a .safetensors file "
            .formatted(entry.getKey(), entry.getValue()) + "in this folder");
      }
      shards.add(entry.getValue().stringValue());
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (String shard : shards) {
      addShard(folder.resolve(shard), weightMap, index, tensors);
    }
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      if (!tensors.containsKey(entry.getKey())) {
        throw InvalidCheckpoint.in(folder.resolve(entry.getValue().stringValue()),
            "tensor %s is missing, although %s says that it is here".formatted(entry.getKey(), INDEX));
      }
    }
    return tensors;
  }

  private static void addShard(Path shard, JsonNode weightMap, Path index, Map<String, Tensor> tensors) {
    if (!Files.exists(shard)) {
      throw InvalidCheckpoint.in(index, "names the shard %s, which is not there; copy or download it"
          .formatted(shard.getFileName()));
    }
    for (Tensor tensor : SafetensorsFile.open(shard).values()) {
      JsonNode expected = weightMap.get(tensor.name());
      if (expected == null) {
        throw InvalidCheckpoint.in(shard, "tensor %s is not in %s".formatted(tensor.name(), INDEX));
      }
      if (!shard.endsWith(expected.stringValue())) {
        throw InvalidCheckpoint.in(shard, "tensor %s is here, but %s says that it is in %s"
            .formatted(tensor.name(), INDEX, expected.stringValue()));
      }
      tensors.put(tensor.name(), tensor);
    }
  }

  /** Whether {@code name} stays inside the folder on every file system. */
  private static boolean isFileName(String name) {
    return name.endsWith(".safetensors") && !name.startsWith(".") && name.chars()
        .allMatch(c -> c > ' ' && c < 127 && "/\\:*?\"<>|".indexOf(c) < 0);
  }
}
