/** The parts of a decoder layer that need no engine, and the reference decoder that defines their composition. */
@NullMarked
package io.expertmesh.model.decoder;

import org.jspecify.annotations.NullMarked;
