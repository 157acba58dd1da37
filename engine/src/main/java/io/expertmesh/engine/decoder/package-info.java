/** The decoder loop: a step takes token rows of many sequences through all layers. */
@NullMarked
package io.expertmesh.engine.decoder;

import org.jspecify.annotations.NullMarked;
