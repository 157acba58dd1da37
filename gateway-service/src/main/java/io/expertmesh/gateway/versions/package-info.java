/** Versions of a model side by side, and which one a request uses. */
@NullMarked
package io.expertmesh.gateway.versions;

import org.jspecify.annotations.NullMarked;
