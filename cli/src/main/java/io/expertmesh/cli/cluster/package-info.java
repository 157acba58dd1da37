/** All services of a cluster as processes on this machine: started, watched, started again. */
@NullMarked
package io.expertmesh.cli.cluster;

import org.jspecify.annotations.NullMarked;
