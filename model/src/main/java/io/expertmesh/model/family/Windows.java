package io.expertmesh.model.family;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Which layers attend to a sliding window. */
final class Windows {
  private static final int MAX_WINDOW = 1 << 24;

  private Windows() {}

  /** {@code sliding_window}; null where it is missing, null or 0. */
  static @Nullable Integer size(ModelConfig config) {
    int window = config.nonNegativeInt("sliding_window", MAX_WINDOW, 0);
    return window == 0 ? null : window;
  }

  /**
   * The window of each layer, null for none: by {@code layer_types}, or where that is missing by {@code sliding}.
   *
   * @throws io.expertmesh.model.failure.FailureException INVALID_CHECKPOINT if a layer slides and there is no window
   */
  static List<@Nullable Integer> of(ModelConfig config, int layers, IntPredicate sliding) {
    List<String> types = config.texts("layer_types");
    if (types != null && types.size() != layers) {
      throw config.invalid("\"layer_types\" has %d entries for %d layers".formatted(types.size(), layers));
    }
    Integer window = size(config);
    List<@Nullable Integer> windows = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      boolean slides = types == null ? sliding.test(i) : slides(config, types.get(i));
      if (slides && window == null) {
        throw config.invalid("has layers with a sliding window, but no \"sliding_window\"");
      }
      windows.add(slides ? window : null);
    }
    return windows;
  }

  private static boolean slides(ModelConfig config, String type) {
    return switch (type) {
      case "sliding_attention" -> true;
      case "full_attention" -> false;
      default -> throw config.invalid(
          "\"layer_types\" holds \"%s\"; supported: full_attention, sliding_attention".formatted(type));
    };
  }
}
