package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Methods of Python's {@code dict} that do not change it. */
final class DictMethods {
  private DictMethods() {}

  static @Nullable Callable named(Map<?, ?> map, String name) {
    return switch (name) {
      case "items" -> arguments -> items(map);
      case "keys" -> arguments -> new ArrayList<Object>(map.keySet());
      case "values" -> arguments -> new ArrayList<Object>(map.values());
      case "get" -> arguments -> {
        Object value = map.get(arguments.require(0, "key"));
        return value != null ? value : arguments.get(1, "default", None.NONE);
      };
      case "update", "pop", "popitem", "clear", "setdefault" -> throw JinjaException.runtime(
          "access to attribute '%s' of 'dict' object is unsafe.".formatted(name));
      default -> null;
    };
  }

  static List<Object> items(Map<?, ?> map) {
    List<Object> items = new ArrayList<>(map.size());
    map.forEach((key, value) -> items.add(Tuple.of(key, value)));
    return items;
  }
}
