@NullMarked
package io.expertmesh.router.keda;

import org.jspecify.annotations.NullMarked;
