/** From logits to the next token. */
@NullMarked
package io.expertmesh.engine.sampling;

import org.jspecify.annotations.NullMarked;
