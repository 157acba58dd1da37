/** Tensor kernels behind one small SPI. */
@NullMarked
package io.expertmesh.kernels;

import org.jspecify.annotations.NullMarked;
