@NullMarked
package io.expertmesh.gateway.grpc;

import org.jspecify.annotations.NullMarked;
