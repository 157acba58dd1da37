/** The gRPC API for applications: the same answers, keys and limits as over HTTP. */
@NullMarked
package io.expertmesh.gateway.grpc;

import org.jspecify.annotations.NullMarked;
