/** Replicas over time, by the rules of KEDA and the HorizontalPodAutoscaler, and what they cost. */
@NullMarked
package io.expertmesh.simulator.scaling;

import org.jspecify.annotations.NullMarked;
