package io.expertmesh.router.control;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which processes operators drained. What a router that led before was told the processes say themselves, so it needs no
 * file; what this one was told counts more. A process that is started anew has a new id and is not drained.
 */
final class DrainedProcesses {
  /** Of ids; those of processes that are long gone are forgotten one by one. */
  private static final int MAX_REMEMBERED = 10_000;

  private final Map<String, Boolean> told = new LinkedHashMap<>() {
    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
      return size() > MAX_REMEMBERED;
    }
  };

  /**
   * Whether calls are kept away from a process.
   *
   * @param saysSo whether it says that the router before did that
   */
  boolean contains(String id, boolean saysSo) {
    return told.getOrDefault(id, saysSo);
  }

  void set(String id, boolean drained) {
    told.put(id, drained);
  }
}
