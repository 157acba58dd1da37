/** The cluster step by step: one event for each message and each computation. */
@NullMarked
package io.expertmesh.simulator.events;

import org.jspecify.annotations.NullMarked;
