@NullMarked
package io.expertmesh.gateway.remote;

import org.jspecify.annotations.NullMarked;
