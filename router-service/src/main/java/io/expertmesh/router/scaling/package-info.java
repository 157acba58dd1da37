/** How many replicas each group of experts needs by its measured load, as KEDA and Prometheus hear it. */
@NullMarked
package io.expertmesh.router.scaling;

import org.jspecify.annotations.NullMarked;
