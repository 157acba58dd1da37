package io.expertmesh.model.family;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.List;
import java.util.stream.Collectors;

/** The families that can be served. */
public final class ModelFamilies {
  private static final List<ModelFamily> ALL = List.of(new Olmoe());

  private ModelFamilies() {}

  /** The family of {@code config}, or a failure that lists what is supported. */
  public static ModelFamily of(ModelConfig config) {
    String type = config.modelType();
    for (ModelFamily family : ALL) {
      if (family.modelType().equals(type)) {
        return family;
      }
    }
    String supported = ALL.stream().map(ModelFamily::modelType).collect(Collectors.joining(", "));
    throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
        "model_type \"%s\" is not supported; supported: %s".formatted(type, supported));
  }
}
