package io.expertmesh.model.jinja;

/** A function, a macro, or a method with its object. */
@FunctionalInterface
interface Callable {
  Object call(CallArguments arguments);
}
