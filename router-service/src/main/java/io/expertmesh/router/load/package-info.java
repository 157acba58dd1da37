/** Measured load in windows of time. */
@NullMarked
package io.expertmesh.router.load;

import org.jspecify.annotations.NullMarked;
