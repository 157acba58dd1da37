/** The admin interface over HTTP, with health and metrics. */
@NullMarked
package io.expertmesh.router.http;

import org.jspecify.annotations.NullMarked;
