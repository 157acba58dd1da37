@NullMarked
package io.expertmesh.gateway.security;

import org.jspecify.annotations.NullMarked;
