/** How the services talk to each other: gRPC servers and channels, statuses, tensors as bytes. */
@NullMarked
package io.expertmesh.transport;

import org.jspecify.annotations.NullMarked;
