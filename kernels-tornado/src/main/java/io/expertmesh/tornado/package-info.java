/**
 * Experts on GPUs and other devices that TornadoVM compiles Java to, through OpenCL or CUDA.
 *
 * <p>{@link io.expertmesh.tornado.TornadoExperts} is the device; experts lie in
 * {@link io.expertmesh.tornado.ExpertBank}s. A step of a layer is one execution of one task graph.
 */
@NullMarked
package io.expertmesh.tornado;

import org.jspecify.annotations.NullMarked;
