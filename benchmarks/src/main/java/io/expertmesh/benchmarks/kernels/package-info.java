/** JMH benchmarks of the kernels and of the machine's limits beside them. */
@NullMarked
package io.expertmesh.benchmarks.kernels;

import org.jspecify.annotations.NullMarked;
