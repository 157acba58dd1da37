@NullMarked
package io.expertmesh.kernels;

import org.jspecify.annotations.NullMarked;
