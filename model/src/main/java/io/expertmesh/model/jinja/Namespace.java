package io.expertmesh.model.jinja;

import java.util.Map;

/** What {@code namespace()} makes: variables that a loop can change. */
record Namespace(Map<String, Object> variables) {
  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }

  @Override
  public String toString() {
    return "<Namespace>";
  }
}
