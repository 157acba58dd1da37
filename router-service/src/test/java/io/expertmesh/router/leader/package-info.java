@NullMarked
package io.expertmesh.router.leader;

import org.jspecify.annotations.NullMarked;
