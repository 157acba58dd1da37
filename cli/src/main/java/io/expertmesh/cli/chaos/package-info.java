/** Load on a cluster whose processes are killed, stopped and slowed, and what its users saw of it. */
@NullMarked
package io.expertmesh.cli.chaos;

import org.jspecify.annotations.NullMarked;
