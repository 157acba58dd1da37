/** Constrained decoding: grammars that say which tokens may come next. */
@NullMarked
package io.expertmesh.engine.constraint;

import org.jspecify.annotations.NullMarked;
