/** What computes the experts of a process: the CPU, or a device whose provider is found when the program starts. */
@NullMarked
package io.expertmesh.model.device;

import org.jspecify.annotations.NullMarked;
