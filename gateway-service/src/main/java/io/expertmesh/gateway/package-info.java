/** The OpenAI-compatible server: how it is configured, started and stopped. */
@NullMarked
package io.expertmesh.gateway;

import org.jspecify.annotations.NullMarked;
