/** The spans of a request: from its arrival over prompt, queue, prefill and decode to layers and calls of experts. */
@NullMarked
package io.expertmesh.gateway.trace;

import org.jspecify.annotations.NullMarked;
