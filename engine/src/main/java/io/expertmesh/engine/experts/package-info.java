/** From routing to combined expert outputs: dispatch, experts, combine. */
@NullMarked
package io.expertmesh.engine.experts;

import org.jspecify.annotations.NullMarked;
