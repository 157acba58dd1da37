package io.expertmesh.model.checkpoint;

import io.expertmesh.kernels.DType;
import io.expertmesh.kernels.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * A model's files behind one view, whatever their format: the configuration and the tensors in Hugging Face's terms.
 *
 * <p>A GGUF file shows its metadata as the {@code config.json} and its tensors under the names that the same model
 * has in a Hugging Face folder (experts fused: {@code model.layers.N.mlp.experts.gate_proj} is (E, I, H)), so that a
 * model family reads only one set of names.
 *
 * <p>The mapping lives as long as any tensor of it is reachable.
 */
public interface Checkpoint {
  /** The folder or file. */
  Path location();

  /** {@code config.json}, or what a GGUF file's metadata say in its place. */
  JsonNode config();

  /**
   * Opens a Hugging Face model folder or a GGUF file.
   *
   * @throws io.expertmesh.model.failure.FailureException {@code NOT_FOUND} or {@code INVALID_CHECKPOINT}, naming the
   *     file and the tensor at fault
   */
  static Checkpoint open(Path location) {
    if (PickleFiles.isPickle(location) && Files.isRegularFile(location)) {
      throw PickleFiles.refusal(location);
    }
    return Files.isRegularFile(location) ? GgufCheckpoint.open(location) : SafetensorsCheckpoint.open(location);
  }

  /** All tensors by name, in the order of the file(s). */
  Map<String, Tensor> tensors();

  /**
   * A matrix of the tensors as it is to be used. A checkpoint that is quantised in memory does that here, so that only
   * what is used is quantised.
   */
  default WeightMatrix load(WeightMatrix stored) {
    return load(stored, Arena.ofAuto());
  }

  /**
   * As {@link #load(WeightMatrix)}.
   *
   * @param memory for what is not used as it is stored
   */
  default WeightMatrix load(WeightMatrix stored, SegmentAllocator memory) {
    return stored;
  }

  /** The type that {@link #load} gives {@code stored}. */
  default DType loadedType(WeightMatrix stored) {
    return stored.dtype();
  }
}
