@NullMarked
package io.expertmesh.router;

import org.jspecify.annotations.NullMarked;
