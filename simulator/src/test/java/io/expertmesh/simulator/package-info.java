/** The simulator against what can be worked out by hand. */
@NullMarked
package io.expertmesh.simulator;

import org.jspecify.annotations.NullMarked;
