/** Which process holds which experts: for processes that take assignments, and as a plan of replicas. */
@NullMarked
package io.expertmesh.router.placement;

import org.jspecify.annotations.NullMarked;
