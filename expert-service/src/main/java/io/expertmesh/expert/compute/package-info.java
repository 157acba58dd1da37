/** The experts that a process holds, and the one thread that computes what gateways ask of them. */
@NullMarked
package io.expertmesh.expert.compute;

import org.jspecify.annotations.NullMarked;
