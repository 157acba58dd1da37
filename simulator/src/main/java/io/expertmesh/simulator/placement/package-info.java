/** Which experts are together, and how many replicas each group gets. */
@NullMarked
package io.expertmesh.simulator.placement;

import org.jspecify.annotations.NullMarked;
