package io.expertmesh.router.placement;

/** Numbers for assignments, each greater than all before, also those of earlier routers. */
final class AssignmentIds {
  private long last;

  /** @param start the time in milliseconds since 1970, which is ahead of any count of an earlier router */
  AssignmentIds(long start) {
    last = start;
  }

  void seen(long id) {
    last = Math.max(last, id);
  }

  long next() {
    return ++last;
  }
}
