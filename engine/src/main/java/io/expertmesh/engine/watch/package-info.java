/** How somebody outside watches a request go through the engine, step by step and layer by layer. */
@NullMarked
package io.expertmesh.engine.watch;

import org.jspecify.annotations.NullMarked;
