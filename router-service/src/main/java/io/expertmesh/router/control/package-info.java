/** The state of the router that leads. */
@NullMarked
package io.expertmesh.router.control;

import org.jspecify.annotations.NullMarked;
