package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.decoder.DecoderWeights;

/** One family of models: its configuration fields and its tensor names. */
public interface ModelFamily {
  /** {@code model_type} in {@code config.json}. */
  String modelType();

  Architecture architecture(ModelConfig config);

  /**
   * Binds every tensor of the checkpoint; {@code tensors} reports those that are missing, mis-shaped or left over.
   *
   * @param experts whose weights are loaded
   */
  DecoderWeights weights(Architecture architecture, TensorBinder tensors, ExpertSelection experts);

  /** Expert {@code id} of block {@code layer} as the checkpoint stores it. */
  StoredExpert expert(Architecture architecture, TensorBinder tensors, int layer, int id);
}
