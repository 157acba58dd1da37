@NullMarked
package io.expertmesh.telemetry;

import org.jspecify.annotations.NullMarked;
