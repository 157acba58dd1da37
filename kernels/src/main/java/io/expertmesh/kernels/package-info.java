/**
 * Tensor kernels behind one small SPI, {@link io.expertmesh.kernels.Kernels}.
 *
 * <p><b>Exact arithmetic.</b> Every exact implementation gives the same bits, because the arithmetic is defined:
 * <ul>
 *   <li>a weight becomes an f32 value with one rounding at most ({@code d * q} for the block formats);
 *   <li>a sum of products is {@link io.expertmesh.kernels.ExactMath#LANES 16} running {@code fma} lanes, element k in
 *       lane k mod 16, in ascending k, then one reduction tree: lane i takes lane i + 8, then i + 4, i + 2, i + 1;
 *   <li>a plain sum is the same with additions;
 *   <li>{@code exp} is {@link io.expertmesh.kernels.ExactMath#exp}, a polynomial of {@code fma};
 *   <li>a weighted sum of vectors is a chain of {@code fma} per element, in the order of the vectors.
 * </ul>
 * No result depends on how rows, outputs or heads are spread over calls and threads.
 */
@NullMarked
package io.expertmesh.kernels;

import org.jspecify.annotations.NullMarked;
