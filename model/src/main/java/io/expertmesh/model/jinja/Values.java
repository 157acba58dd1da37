package io.expertmesh.model.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Python values: {@code String}, {@code Long}, {@code Double}, {@code Boolean}, {@link None}, {@code List},
 * {@link Tuple}, {@code Map}, {@link Namespace}, {@link Callable} and {@link Undefined}.
 */
final class Values {
  private Values() {}

  /** A Java or JSON-like value as a template sees it. */
  static Object from(@Nullable Object value) {
    return switch (value) {
      case null -> None.NONE;
      case Integer number -> number.longValue();
      case Short number -> number.longValue();
      case Float number -> number.doubleValue();
      case List<?> list -> {
        List<Object> items = new ArrayList<>(list.size());
        list.forEach(item -> items.add(from(item)));
        yield items;
      }
      case Map<?, ?> map -> {
        Map<Object, Object> entries = new LinkedHashMap<>();
        map.forEach((key, entry) -> entries.put(from(key), from(entry)));
        yield entries;
      }
      case String text -> text;
      case Long number -> number;
      case Double number -> number;
      case Boolean flag -> flag;
      case Callable function -> function;
      default -> throw new IllegalArgumentException("no template value: " + value.getClass());
    };
  }

  static String typeName(Object value) {
    return switch (value) {
      case String text -> "str";
      case Long number -> "int";
      case Double number -> "float";
      case Boolean flag -> "bool";
      case None none -> "NoneType";
      case List<?> list -> "list";
      case Tuple tuple -> "tuple";
      case Map<?, ?> map -> "dict";
      case Undefined undefined -> "Undefined";
      default -> value.getClass().getSimpleName();
    };
  }

  /** Fails as Jinja2 does where something undefined is used. */
  static Object defined(Object value) {
    if (value instanceof Undefined undefined) {
      throw JinjaException.runtime(undefined.message());
    }
    return value;
  }

  static boolean isTrue(Object value) {
    return switch (value) {
      case Boolean flag -> flag;
      case None none -> false;
      case Undefined undefined -> false;
      case String text -> !text.isEmpty();
      case Long number -> number != 0;
      case Double number -> number != 0;
      case List<?> list -> !list.isEmpty();
      case Tuple tuple -> !tuple.items().isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      default -> true;
    };
  }

  /** Python's {@code str}. */
  static String text(Object value) {
    return switch (value) {
      case String text -> text;
      case Undefined undefined -> "";
      default -> repr(value);
    };
  }

  /** Python's {@code repr}. */
  static String repr(Object value) {
    // Lists may hold the same list many times over, so that a small value has a huge text.
    Budget.current().step();
    String text = unlimitedRepr(value);
    Budget.current().allocate(text.length());
    return text;
  }

  private static String unlimitedRepr(Object value) {
    return switch (value) {
      case String text -> Text.quote(text);
      case None none -> "None";
      case Boolean flag -> flag ? "True" : "False";
      case Double number -> Numbers.text(number);
      case Undefined undefined -> "Undefined";
      case List<?> list -> {
        StringJoiner items = new StringJoiner(", ", "[", "]");
        list.forEach(item -> items.add(repr(item)));
        yield items.toString();
      }
      case Tuple tuple -> {
        StringJoiner items = new StringJoiner(", ", "(", tuple.items().size() == 1 ? ",)" : ")");
        tuple.items().forEach(item -> items.add(repr(item)));
        yield items.toString();
      }
      case Map<?, ?> map -> {
        StringJoiner items = new StringJoiner(", ", "{", "}");
        map.forEach((key, entry) -> items.add(repr(key) + ": " + repr(entry)));
        yield items.toString();
      }
      case Callable function -> "<function>";
      default -> value.toString();
    };
  }

  static boolean equal(Object left, Object right) {
    Budget.current().step();
    if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
      return Numbers.compare(left, right) == 0;
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      return equalItems(a, b);
    }
    if (left instanceof Tuple a && right instanceof Tuple b) {
      return equalItems(a.items(), b.items());
    }
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      if (a.size() != b.size()) {
        return false;
      }
      for (Map.Entry<?, ?> entry : a.entrySet()) {
        Object other = b.get(entry.getKey());
        if (other == null || !equal(entry.getValue(), other)) {
          return false;
        }
      }
      return true;
    }
    return (left instanceof Undefined && right instanceof Undefined) || left.equals(right);
  }

  private static boolean equalItems(List<?> left, List<?> right) {
    if (left.size() != right.size()) {
      return false;
    }
    for (int i = 0; i < left.size(); i++) {
      if (!equal(left.get(i), right.get(i))) {
        return false;
      }
    }
    return true;
  }

  static int compare(Object left, Object right, String operator) {
    defined(left);
    defined(right);
    if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
      return Numbers.compare(left, right);
    }
    if (left instanceof String a && right instanceof String b) {
      return a.compareTo(b);
    }
    if (isSequence(left) && isSequence(right)) {
      List<Object> a = items(left);
      List<Object> b = items(right);
      for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
        if (!equal(a.get(i), b.get(i))) {
          return compare(a.get(i), b.get(i), operator);
        }
      }
      return Integer.compare(a.size(), b.size());
    }
    throw JinjaException.runtime("'%s' not supported between instances of '%s' and '%s'".formatted(operator,
        typeName(left), typeName(right)));
  }

  static boolean isSequence(Object value) {
    return value instanceof List<?> || value instanceof Tuple;
  }

  /** Python's {@code in}. */
  static boolean contains(Object container, Object value) {
    return switch (defined(container)) {
      case String text when value instanceof String part -> text.contains(part);
      case String text -> throw JinjaException.runtime("'in <string>' requires string as left operand, not "
          + typeName(value));
      case Map<?, ?> map -> map.containsKey(value);
      default -> items(container).stream().anyMatch(item -> equal(item, value));
    };
  }

  /** What a loop over {@code value} sees. */
  @SuppressWarnings("unchecked") // lists are made by from() and by the evaluator, of Objects
  static List<Object> items(Object value) {
    return switch (value) {
      case List<?> list -> (List<Object>) list;
      case Tuple tuple -> tuple.items();
      case Map<?, ?> map -> new ArrayList<>(map.keySet());
      case String text -> text.codePoints().<Object>mapToObj(Character::toString).toList();
      case Undefined undefined -> List.of();
      default -> throw JinjaException.runtime("'%s' object is not iterable".formatted(typeName(value)));
    };
  }

  static int length(Object value) {
    return switch (value) {
      case String text -> text.codePointCount(0, text.length());
      case List<?> list -> list.size();
      case Tuple tuple -> tuple.items().size();
      case Map<?, ?> map -> map.size();
      case Undefined undefined -> 0;
      default -> throw JinjaException.runtime("object of type '%s' has no len()".formatted(typeName(value)));
    };
  }

  static int integer(Object value) {
    return switch (defined(value)) {
      case Long number -> Math.clamp(number, Integer.MIN_VALUE, Integer.MAX_VALUE);
      case Boolean flag -> flag ? 1 : 0;
      default -> throw JinjaException.runtime("'%s' object cannot be interpreted as an integer".formatted(
          typeName(value)));
    };
  }
}
