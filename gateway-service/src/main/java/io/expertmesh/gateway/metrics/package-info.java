/** What is measured, and how Prometheus sees it. */
@NullMarked
package io.expertmesh.gateway.metrics;

import org.jspecify.annotations.NullMarked;
