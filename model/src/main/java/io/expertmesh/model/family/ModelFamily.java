package io.expertmesh.model.family;

import io.expertmesh.model.architecture.Architecture;
import java.util.List;

/** One family of models: what its configuration means, and what its tensors are called. */
public interface ModelFamily {
  /** The family's name: {@code model_type} in {@code config.json}, unless {@link #matches} says otherwise. */
  String modelType();

  /** Whether {@code config} is of this family; the first that matches in {@link ModelFamilies} takes the model. */
  default boolean matches(ModelConfig config) {
    return config.modelType().equals(modelType());
  }

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

  /**
   * Where a checkpoint may have one form or another: ends of the names that tell the released form. None for one matrix
   * for each expert and projection.
   */
  default List<String> releasedForm() {
    return List.of();
  }

  /** Prefixes of tensors that releases have and that answers do not depend on; other unknown tensors are refused. */
  default List<String> unused(ModelConfig config) {
    return List.of();
  }
}
