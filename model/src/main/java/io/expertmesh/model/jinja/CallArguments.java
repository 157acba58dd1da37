package io.expertmesh.model.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Evaluated arguments of a call. */
record CallArguments(List<Object> positional, Map<String, Object> named) {
  static final CallArguments NONE = new CallArguments(List.of(), Map.of());

  /** The argument at {@code index} or under {@code name}; null if it is not given. */
  @Nullable
  Object get(int index, String name) {
    return index < positional.size() ? positional.get(index) : named.get(name);
  }

  Object get(int index, String name, Object otherwise) {
    Object value = get(index, name);
    return value == null ? otherwise : value;
  }

  Object require(int index, String name) {
    Object value = get(index, name);
    if (value == null) {
      throw JinjaException.runtime("missing argument '%s'".formatted(name));
    }
    return value;
  }

  String text(int index, String name) {
    Object value = require(index, name);
    if (value instanceof String text) {
      return text;
    }
    throw JinjaException.runtime("'%s' must be a string, not %s".formatted(name, Values.typeName(value)));
  }

  int integer(int index, String name, int otherwise) {
    Object value = get(index, name);
    return value == null ? otherwise : Values.integer(value);
  }

  CallArguments from(int index) {
    return new CallArguments(positional.subList(Math.min(index, positional.size()), positional.size()), named);
  }
}
