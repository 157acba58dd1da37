/** Traces, and what log lines say of the request that they belong to. */
@NullMarked
package io.expertmesh.telemetry;

import org.jspecify.annotations.NullMarked;
