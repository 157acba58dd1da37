/** Tests of the engine with real models. */
@NullMarked
package io.expertmesh.engine;

import org.jspecify.annotations.NullMarked;
