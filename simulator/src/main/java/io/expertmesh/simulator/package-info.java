/** What is simulated: a model, what its parts cost, a deployment and its work. */
@NullMarked
package io.expertmesh.simulator;

import org.jspecify.annotations.NullMarked;
