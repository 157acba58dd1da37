package io.expertmesh.model.family;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.util.List;
import java.util.stream.Stream;

/** The families that can be served; those that share a {@code model_type} with another stand before it. */
public final class ModelFamilies {
  private static final List<ModelFamily> ALL = Stream.concat(
      Stream.of(new OpenMoe(), new Olmoe(), new Mixtral(), QwenMoe.second(), QwenMoe.third(), Olmo2.flex(),
          new GraniteMoe(), new PhiMoe(), new GptOss(), new Deepseek(), new DeepseekV2(), new DeepseekV3(),
          new Glm4Moe(), new Olmo(), Olmo2.dense(), new SwitchTransformers(), new NllbMoe()),
      Llama.all().stream()).toList();

  private ModelFamilies() {}

  /** Names of the families that can be served. */
  public static List<String> supported() {
    return ALL.stream().map(ModelFamily::modelType).toList();
  }

  /** Whether the family of {@code config} can be served. */
  public static boolean know(ModelConfig config) {
    return ALL.stream().anyMatch(family -> family.matches(config));
  }

  /** The family of {@code config}, or a failure that lists what is supported. */
  public static ModelFamily of(ModelConfig config) {
    String type = config.modelType();
    for (ModelFamily family : ALL) {
      if (family.matches(config)) {
        return family;
      }
    }
    throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
        "model_type \"%s\" is not supported; supported: %s".formatted(type, String.join(", ", supported())));
  }
}
