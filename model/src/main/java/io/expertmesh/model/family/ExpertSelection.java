package io.expertmesh.model.family;

import java.util.Collection;
import java.util.Set;

/** Which experts, by id, a process holds, in every layer. */
@FunctionalInterface
public interface ExpertSelection {
  ExpertSelection ALL = id -> true;
  ExpertSelection NONE = id -> false;

  /** These. */
  static ExpertSelection of(Collection<Integer> ids) {
    return Set.copyOf(ids)::contains;
  }

  boolean holds(int expertId);
}
