package io.expertmesh.model.jinja;

/** What a name or attribute that does not exist gives: empty when printed, an error when anything else is done with it. */
record Undefined(String message) {
  static Undefined variable(String name) {
    return new Undefined("'%s' is undefined".formatted(name));
  }
}
