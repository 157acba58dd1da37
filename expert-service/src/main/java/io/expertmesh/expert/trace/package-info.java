/** The spans of batches that a gateway traces. */
@NullMarked
package io.expertmesh.expert.trace;

import org.jspecify.annotations.NullMarked;
