/** Fits what a step is made of to measurements. */
@NullMarked
package io.expertmesh.simulator.calibration;

import org.jspecify.annotations.NullMarked;
