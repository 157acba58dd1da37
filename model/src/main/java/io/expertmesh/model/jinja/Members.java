package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Attributes, items and slices of values. Only what is named here exists: nothing of the JVM can be reached. */
final class Members {
  private Members() {}

  /** {@code of.name}: a method if there is one, otherwise the entry. */
  static Object attribute(Object of, String name) {
    Callable method = method(Values.defined(of), name);
    return method != null ? method : entry(of, name);
  }

  /** {@code of[key]}: the entry, otherwise a method of that name. */
  static Object item(Object of, Object key) {
    Values.defined(of);
    if (key instanceof Long index) {
      return switch (of) {
        case String text -> at(Values.items(text), index, "str");
        case List<?> list -> at(Values.items(list), index, "list");
        case Tuple tuple -> at(tuple.items(), index, "tuple");
        default -> entry(of, key);
      };
    }
    Object entry = entry(of, key);
    if (entry instanceof Undefined && key instanceof String name) {
      Callable method = method(of, name);
      return method == null ? entry : method;
    }
    return entry;
  }

  private static Object at(List<Object> items, long index, String type) {
    long at = index < 0 ? index + items.size() : index;
    return at >= 0 && at < items.size()
        ? items.get((int) at)
        : new Undefined("%s object has no element %d".formatted(type, index));
  }

  private static Object entry(Object of, Object key) {
    Object value = switch (of) {
      case Map<?, ?> map -> map.get(key);
      case Namespace namespace -> namespace.variables().get(key);
      case LoopState loop when key instanceof String name -> loop.attribute(name);
      default -> null;
    };
    return value != null
        ? value
        : new Undefined("'%s object' has no attribute %s".formatted(Values.typeName(of),
            key instanceof String name ? Text.quote(name) : Values.repr(key)));
  }

  private static @Nullable Callable method(Object of, String name) {
    return switch (of) {
      case String text -> StringMethods.named(text, name);
      case Map<?, ?> map -> DictMethods.named(map, name);
      case List<?> list -> sequenceMethod(Values.items(list), name);
      case Tuple tuple -> sequenceMethod(tuple.items(), name);
      default -> null;
    };
  }

  private static @Nullable Callable sequenceMethod(List<Object> items, String name) {
    return switch (name) {
      case "count" -> arguments -> {
        Object wanted = arguments.require(0, "value");
        return items.stream().filter(item -> Values.equal(item, wanted)).count();
      };
      case "index" -> arguments -> {
        Object wanted = arguments.require(0, "value");
        for (int i = 0; i < items.size(); i++) {
          if (Values.equal(items.get(i), wanted)) {
            return (long) i;
          }
        }
        throw JinjaException.runtime("%s is not in list".formatted(Values.repr(wanted)));
      };
      case "append", "extend", "insert", "pop", "remove", "sort", "reverse", "clear" -> throw JinjaException.runtime(
          "access to attribute '%s' of 'list' object is unsafe.".formatted(name));
      default -> null;
    };
  }

  static Object slice(Object of, @Nullable Object start, @Nullable Object stop, @Nullable Object step) {
    if (!(of instanceof String) && !Values.isSequence(Values.defined(of))) {
      throw JinjaException.runtime("'%s' object cannot be sliced".formatted(Values.typeName(of)));
    }
    List<Object> items = Values.items(of);
    int size = items.size();
    int stride = step == null || step == None.NONE ? 1 : Values.integer(step);
    if (stride == 0) {
      throw JinjaException.runtime("slice step cannot be zero");
    }
    int first = bound(start, size, stride > 0 ? 0 : size - 1, stride);
    int end = bound(stop, size, stride > 0 ? size : -1, stride);
    Budget.current().allocateItems(size);
    List<Object> chosen = new ArrayList<>();
    for (long i = first; stride > 0 ? i < end : i > end; i += stride) {
      chosen.add(items.get((int) i));
    }
    if (of instanceof String) {
      StringBuilder text = new StringBuilder();
      chosen.forEach(character -> text.append(character));
      return text.toString();
    }
    return of instanceof Tuple ? new Tuple(chosen) : chosen;
  }

  private static int bound(@Nullable Object value, int size, int otherwise, int stride) {
    if (value == null || value == None.NONE) {
      return otherwise;
    }
    int index = Values.integer(value);
    int fromStart = index < 0 ? index + size : index;
    return stride > 0 ? Math.clamp(fromStart, 0, size) : Math.clamp(fromStart, -1, size - 1);
  }
}
