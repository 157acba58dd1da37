/** API keys and what each may use. */
@NullMarked
package io.expertmesh.gateway.security;

import org.jspecify.annotations.NullMarked;
