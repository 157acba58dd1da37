/** The one thread that owns the router's state, and its time. */
@NullMarked
package io.expertmesh.router.loop;

import org.jspecify.annotations.NullMarked;
