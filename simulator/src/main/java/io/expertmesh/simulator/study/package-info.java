/** Questions of a capacity planner, answered by the other packages together. */
@NullMarked
package io.expertmesh.simulator.study;

import org.jspecify.annotations.NullMarked;
