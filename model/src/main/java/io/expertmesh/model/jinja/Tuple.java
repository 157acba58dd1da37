package io.expertmesh.model.jinja;

import java.util.List;

/** A Python tuple. */
record Tuple(List<Object> items) {
  Tuple {
    items = List.copyOf(items);
  }

  static Tuple of(Object... items) {
    return new Tuple(List.of(items));
  }
}
