/** The cluster on average, in closed form: how busy everything is, and how long a step takes. */
@NullMarked
package io.expertmesh.simulator.estimate;

import org.jspecify.annotations.NullMarked;
