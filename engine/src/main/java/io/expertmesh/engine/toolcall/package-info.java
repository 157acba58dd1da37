/** Calls of functions in a model's answer: how each family writes them, and how they are found again. */
@NullMarked
package io.expertmesh.engine.toolcall;

import org.jspecify.annotations.NullMarked;
