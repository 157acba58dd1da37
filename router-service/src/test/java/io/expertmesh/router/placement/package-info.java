@NullMarked
package io.expertmesh.router.placement;

import org.jspecify.annotations.NullMarked;
