/** What the router counts. */
@NullMarked
package io.expertmesh.router.metrics;

import org.jspecify.annotations.NullMarked;
