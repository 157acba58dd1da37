package io.expertmesh.model.jinja;

/** Python's {@code None}. */
enum None {
  NONE
}
