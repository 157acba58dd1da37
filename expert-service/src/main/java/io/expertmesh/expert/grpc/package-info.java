/** The process as gateways see it. */
@NullMarked
package io.expertmesh.expert.grpc;

import org.jspecify.annotations.NullMarked;
