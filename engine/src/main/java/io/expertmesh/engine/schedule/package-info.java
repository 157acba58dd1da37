/** Continuous batching: which sequences take part in a step, and what becomes of them. */
@NullMarked
package io.expertmesh.engine.schedule;

import org.jspecify.annotations.NullMarked;
