/** Which experts tokens choose: drawn from a distribution, or recorded. */
@NullMarked
package io.expertmesh.simulator.routing;

import org.jspecify.annotations.NullMarked;
