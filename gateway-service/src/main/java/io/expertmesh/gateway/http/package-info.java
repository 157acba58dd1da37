/** What every endpoint shares: errors in OpenAI's envelope, request bodies, connections, server-sent events. */
@NullMarked
package io.expertmesh.gateway.http;

import org.jspecify.annotations.NullMarked;
