package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;

/** One family of models: what its configuration means, and what its tensors are called. */
public interface ModelFamily {
  /** {@code model_type} in {@code config.json}. */
  String modelType();

  /**
   * What the model is made of.
   *
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if a field is missing, wrong, or asks for
   *     something that is not supported
   */
  Architecture architecture(ModelConfig config);

  /** Names of the tensors; those that most families have, by default. */
  default TensorNames names() {
    return TensorNames.usual();
  }
}
