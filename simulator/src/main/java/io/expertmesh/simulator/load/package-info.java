/** Requests a second over time. */
@NullMarked
package io.expertmesh.simulator.load;

import org.jspecify.annotations.NullMarked;
