@NullMarked
package io.expertmesh.router.scaling;

import org.jspecify.annotations.NullMarked;
