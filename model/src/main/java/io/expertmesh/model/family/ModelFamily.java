package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import io.expertmesh.model.decoder.DecoderWeights;

/** One family of models: its configuration fields and its tensor names. */
public interface ModelFamily {
  /** {@code model_type} in {@code config.json}. */
  String modelType();

  Architecture architecture(ModelConfig config);

  /** Binds every tensor of the checkpoint; {@code tensors} reports those that are missing, mis-shaped or left over. */
  DecoderWeights weights(Architecture architecture, TensorBinder tensors);
}
